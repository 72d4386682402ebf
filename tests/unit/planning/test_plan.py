"""Which cells a run has: controls, levels of knowledge, numbers of records, what is refused and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mote_bench import registry
from mote_bench.contracts import NOISE_LEVELS, Access, Cell, Faces, InputError, Knowledge
from mote_bench.planning import plan, protocol
from mote_bench.planning.plan import chosen_attacks, chosen_schemes, runs_with_all, threats
from mote_bench.planning.spec import RunSpec
from mote_bench.planning.split import Split, split
from mote_bench.questions import WhichClass, WhichFace
from mote_bench.registry import Entry, PluginError
from mote_bench.testing import generated_faces

QUICK, LARGE = protocol.load("quick-1"), protocol.load("people-2")
FACES = generated_faces(people=400, photos=4, dimension=8)
PARTS = split(FACES, QUICK, seed=0)


class Plain:
    """A scheme without keys and secrets."""

    def fit(self, background: Faces, *, seed: int) -> Plain:
        return self

    def enroll(self, references: Any, *, keys: Any, seeds: Any) -> list[bytes]:
        return [b"" for _ in seeds]

    def score(self, templates: Any, probes: Any, *, keys: Any) -> Any:
        return np.zeros((len(templates), len(probes)))


class Keyed(Plain):
    revocable = True


class Guarded(Keyed):
    """Its public part can't score."""

    def public(self) -> object:
        return object()


class Unfitted(Guarded):
    def public(self) -> object:
        raise ValueError("not fitted yet")


class Learned(Plain):
    needs_identity = True


class Guess:
    """An attack on all levels."""

    question: type = WhichClass
    knowledge = (Knowledge.BYTES_ONLY, Knowledge.ALGORITHM, Knowledge.STOLEN_KEY)

    def answer(self, question: Any, evidence: Any, rng: Any) -> Any:
        return np.zeros(question.shape(evidence))


def attack(**stated: Any) -> Any:
    return type("Stated", (Guess,), stated)()


BYTES, ALGORITHM, KEY, ALL = Knowledge


def levels(one: Any, scheme: Any, counts: tuple[int, ...] = (2, 5)) -> list[str]:
    return [threat.name for threat in threats(one, scheme, counts)]


@pytest.mark.parametrize(
    ("scheme", "found"),
    [
        (Plain(), ["bytes_only", "algorithm"]),
        (Keyed(), ["bytes_only", "algorithm", "stolen_key"]),
        (Guarded(), ["bytes_only", "algorithm", "stolen_key", "full_disclosure"]),
    ],
)
def test_levels_are_those_that_differ_for_the_scheme(scheme: Plain, found: list[str]) -> None:
    assert levels(Guess(), scheme) == found


@pytest.mark.parametrize(
    ("knowledge", "found"),
    [
        ((BYTES,), ["bytes_only"]),
        ((ALGORITHM,), ["algorithm", "full_disclosure"]),
        ((KEY,), ["stolen_key", "full_disclosure"]),
        ((ALL,), ["full_disclosure"]),
        ((BYTES, ALL), ["bytes_only", "full_disclosure"]),
    ],
)
def test_attacks_of_algorithm_or_key_are_also_run_at_full_disclosure(
    knowledge: tuple[Knowledge, ...], found: list[str]
) -> None:
    assert levels(attack(knowledge=knowledge), Guarded()) == found


def test_only_attacks_on_several_templates_are_run_at_each_number_of_them() -> None:
    several = attack(several=True, knowledge=(KEY,))
    assert levels(several, Keyed()) == ["stolen_key (2 records)", "stolen_key (5 records)"]
    assert levels(attack(knowledge=(KEY,)), Keyed()) == ["stolen_key"]
    assert levels(attack(several=False, knowledge=(KEY,)), Keyed()) == ["stolen_key"]


@pytest.mark.parametrize("access", [Access.SCORES, Access.DECISIONS])
def test_who_holds_all_secrets_needs_no_online_access(access: Access) -> None:
    online = attack(access=access, knowledge=(ALGORITHM, KEY))
    assert levels(online, Guarded()) == [f"algorithm ({access} only)", f"stolen_key ({access} only)"]


@pytest.mark.parametrize(
    ("scheme", "needs", "found"),
    [
        (Plain(), ("score",), ["algorithm"]),
        (Plain(), ("score", "solve"), []),
        (Guarded(), ("score",), ["full_disclosure"]),  # the public part has none
        (Guarded(), ("solve",), []),
        (Guarded(), (), ["algorithm", "stolen_key", "full_disclosure"]),
        # Before the fit there is no public part to look at: what needs a secret is then left to full disclosure.
        (Unfitted(), ("score",), ["full_disclosure"]),
        (Unfitted(), ("enroll",), ["algorithm", "stolen_key", "full_disclosure"]),
        (Unfitted(), ("enroll", "solve"), []),
        (Unfitted(), ("readings",), []),
    ],
)
def test_an_attack_runs_where_it_has_what_it_needs(scheme: Plain, needs: tuple[str, ...], found: list[str]) -> None:
    assert levels(attack(needs=needs, knowledge=(ALGORITHM, KEY)), scheme) == found


Install = Callable[..., None]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put these schemes and attacks in place of the installed ones; an exception is raised when it is loaded."""

    def put(schemes: dict[str, Any], attacks: dict[str, Any], other: tuple[str, ...] = ()) -> None:
        things = {"schemes": {"noise": Plain(), "cosine": Plain(), "memoriser": Plain()} | schemes, "attacks": attacks}

        def names(kind: str) -> list[Entry]:
            distribution = {name: "theirs" if name in other else "mote-bench" for name in things[kind]}
            return [Entry(name, kind, "x:y", distribution[name], "1") for name in sorted(things[kind])]

        def load(kind: str, name: str) -> Any:
            made = things[kind][name]
            if isinstance(made, Exception):
                raise made
            return made

        monkeypatch.setattr(registry, "names", names)
        monkeypatch.setattr(registry, "load", load)

    from mote_bench.questions.installed import installed as kinds

    kinds()  # questions are looked up once and kept: those really installed
    return put


def cells(made: plan.Plan) -> Counter[tuple[str, str, str, str]]:
    return Counter((one.scheme, one.attack, one.question, one.knowledge) for one in made.cells)


def make(questions: str = "gender", parts: Split = PARTS, **asked: str) -> plan.Plan:
    spec = RunSpec("x", **{"schemes": "all", "attacks": "all", **asked}, questions=questions, seed=7)
    return plan.make(spec, plan.plugins(spec, QUICK), parts, QUICK, data="people")


def test_a_plan_by_hand(installed: Install) -> None:
    installed(
        {"keyed": Keyed()},
        {"guess": attack(knowledge=(ALGORITHM, KEY)), "face": attack(question=WhichFace, knowledge=(BYTES,))},
    )
    made = make("gender,verify,cost")
    harness = {(scheme, "zero-effort", "verify", "none") for scheme in ("noise", "cosine", "keyed")}
    harness |= {(scheme, "none", "cost", "none") for scheme in ("noise", "cosine", "keyed")}
    harness |= {("keyed", "zero-effort", "verify", "stolen_key")}
    attacked = {(scheme, "guess", "gender", "algorithm") for scheme in ("noise", "cosine", "keyed")}
    attacked |= {("keyed", "guess", "gender", "stolen_key")}
    assert cells(made) == dict.fromkeys(harness | attacked, 1)
    assert {(one.protocol, one.data, one.seed) for one in made.cells} == {("quick-1", "people", 7)}
    assert list(made.schemes) == ["noise", "cosine", "keyed"]
    assert list(made.attacks) == ["face", "guess"]
    assert made.questions == {"gender": WhichClass("gender", ("female", "male"))}
    assert (made.refused, made.broken) == ((), ())


def test_what_is_compared_stands_once_for_each_question_asked(installed: Install) -> None:
    installed({"keyed": Keyed()}, {"guess": Guess()})
    found = cells(make("fairness,verify"))
    assert {key[2]: found[key] for key in found} == {"verify": 1, "fairness": 1}
    assert sum(found.values()) == 2 * (1 + 1 + 2)


def test_the_ceiling_of_a_question_is_run_where_it_is_asked(installed: Install) -> None:
    from mote_bench.questions import WasMember

    installed({"keyed": Keyed()}, {"who": attack(question=WasMember, knowledge=(ALGORITHM, KEY)), "guess": Guess()})
    made = make("member,gender")
    theirs = [one for one in made.cells if one.scheme == "memoriser"]
    assert [(one.attack, one.question, one.knowledge) for one in theirs] == [("who", "member", "algorithm")]
    assert theirs[0] == Cell("quick-1", "people", "memoriser", "who", "member", "algorithm", 7)
    assert "memoriser" in made.schemes
    assert "memoriser" not in make("gender").schemes


def test_a_ceiling_is_no_scheme_to_be_asked_for(installed: Install) -> None:
    installed({"keyed": Keyed()}, {"guess": Guess()})
    assert chosen_schemes("all", QUICK) == ["cosine", "keyed", "noise"]
    assert chosen_schemes("keyed,memoriser", QUICK) == ["keyed"]


def test_levels_of_noise_run_only_when_they_are_named(installed: Install) -> None:
    levels = {name: Plain() for name in NOISE_LEVELS}
    installed({"keyed": Keyed(), "mote": Plain()} | levels, {"guess": Guess()})
    assert chosen_schemes("all", QUICK) == ["cosine", "keyed", "mote", "noise"]
    assert chosen_schemes("default", QUICK) == ["mote"]
    assert chosen_schemes("noise-curve", QUICK) == list(NOISE_LEVELS)
    assert chosen_schemes("default, noise-curve,keyed,mote", QUICK) == ["mote", *NOISE_LEVELS, "keyed"]
    assert chosen_schemes(f"all,{NOISE_LEVELS[3]}", QUICK)[-1] == NOISE_LEVELS[3]


def test_controls_are_always_there_and_first(installed: Install) -> None:
    installed({"keyed": Keyed(), "alpha": Plain()}, {"guess": Guess()})
    assert list(make(schemes="keyed").schemes) == ["noise", "cosine", "keyed"]
    assert list(make(schemes="keyed,cosine,alpha").schemes) == ["noise", "cosine", "keyed", "alpha"]


def test_the_default_is_the_protocols_choice_and_all_of_other_packages(installed: Install) -> None:
    schemes = {name: Plain() for name in ("biohash", "mote", "ours", "theirs")}
    attacks = {name: Guess() for name in ("knn-bytes", "own", "third")}
    installed(schemes, attacks, other=("theirs", "third"))
    assert chosen_schemes(" default ", QUICK) == ["biohash", "mote", "theirs"]
    assert chosen_attacks("default ", QUICK) == ["knn-bytes", "third"]
    assert chosen_attacks("default", replace(QUICK, default_attacks=())) == ["knn-bytes", "own", "third"]
    assert chosen_attacks("own", QUICK) == ["own"]


@pytest.mark.parametrize(
    ("asked", "runs"), [("all", False), ("default", False), ("clock", True), ("guess,clock", True)]
)
def test_what_the_clock_decides_runs_only_when_named(installed: Install, asked: str, runs: bool) -> None:
    installed({}, {"guess": Guess(), "clock": attack(repeatable=False)}, other=("guess", "clock"))
    assert ("clock" in make(attacks=asked).attacks) is runs


def test_the_broken_are_named_and_stop_nobody(installed: Install) -> None:
    installed(
        {"bad": PluginError("scheme 'bad' can't be loaded"), "half": object(), "twice": InputError("two ship 'twice'")},
        {"guess": Guess(), "dumb": object()},
    )
    made = make()
    assert list(made.schemes) == ["noise", "cosine"]
    assert list(made.attacks) == ["guess"]
    assert made.broken == (
        "scheme 'bad' can't be loaded",
        "two ship 'twice'",
        "'half' is no Scheme: it lacks a method or attribute of mote_bench.contracts",
        "'dumb' is no Attack: it lacks a method or attribute of mote_bench.contracts",
    )


def without_identity() -> Split:
    return split(Faces(FACES.embeddings, None, FACES.attributes, FACES.values), QUICK, seed=0)


def test_without_identities_what_needs_them_is_refused(installed: Install) -> None:
    installed({"learned": Learned()}, {"guess": Guess(), "face": attack(question=WhichFace)})
    made = make("gender,reconstruct,verify,fairness,cost", without_identity())
    assert {one.question for one in made.cells} == {"gender", "cost"}
    assert "learned" not in made.schemes
    assert made.refused == (
        *(f"question '{name}' (needs `identity`)" for name in ("reconstruct", "verify", "fairness")),
        "scheme 'learned' (its fit needs `identity`)",
    )
    assert "learned" in make().schemes


def test_an_attackers_data_without_identities_serve_no_question_that_needs_a_second_photo(installed: Install) -> None:
    installed({}, {"guess": Guess(), "face": attack(question=WhichFace)})
    alone = replace(PARTS, selection=replace(PARTS.selection, probes=None))
    made = make("gender,reconstruct,verify", alone)
    assert {one.question for one in made.cells} == {"gender", "verify"}
    assert made.refused == ("question 'reconstruct' (needs `identity`)",)


def test_an_attribute_that_the_data_cannot_serve_is_refused_and_no_unknown_name(installed: Install) -> None:
    installed({}, {"guess": Guess()})
    alike = replace(FACES, attributes=dict(FACES.attributes) | {"gender": np.full(len(FACES), "female")})
    made = make("gender,age", split(alike, QUICK, seed=0))
    assert {one.question for one in made.cells} == {"age"}
    assert made.refused == ("question 'gender' (fewer than two classes with 5 shadow and target people)",)


def test_names_of_questions(installed: Install) -> None:
    installed({}, {"guess": Guess()})
    assert {one.question for one in make(" age , gender,,age").cells} == {"age", "gender"}
    assert list(make("age,gender,age").questions) == ["age", "gender"]
    assert {"gender", "age", "reconstruct", "link"} <= set(make("all").questions)
    assert make(" all ").questions == make("all").questions
    with pytest.raises(
        InputError, match="no question named in ' , '; expected all or a comma list of verify, fairness"
    ):
        make(" , ")
    with pytest.raises(InputError, match="no question 'gendr' for these data; did you mean gender"):
        make("gendr")
    with pytest.raises(InputError, match="no question 'qqqq' for these data; did you mean verify or fairness or cost"):
        make("qqqq")


def test_a_run_of_nothing_says_why(installed: Install) -> None:
    installed({}, {"guess": Guess()})
    with pytest.raises(InputError, match="nothing to run: no attack answers these questions"):
        make("link")
    with pytest.raises(InputError, match="nothing to run: question 'verify'"):
        make("verify", without_identity())


def test_attacks_that_take_long_or_differ_run_only_when_named() -> None:
    made = [SimpleNamespace(), SimpleNamespace(repeatable=False), SimpleNamespace(only_when_named=True)]
    assert [runs_with_all(one) for one in made] == [True, False, False]


def test_a_scheme_that_takes_long_is_left_out_of_all(installed: Install) -> None:
    class Long(Plain):
        only_when_named = True

    installed({"quick": Plain(), "long": Long()}, {})
    assert chosen_schemes("all", LARGE) == ["cosine", "noise", "quick"]
    assert chosen_schemes("long", LARGE) == ["long"]
