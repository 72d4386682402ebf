"""Conformance kit for plug-in authors: checks a plug-in of any kind against its contract.

In a test of your own::

    from mote_bench.testing import check_scheme

    def test_my_scheme_keeps_the_contract():
        assert [finding for finding in check_scheme(MyScheme) if not finding.ok] == []
"""

from __future__ import annotations

from collections.abc import Callable

from mote_bench.conformance.embedders import portraits
from mote_bench.conformance.findings import Finding, deal, findings, generated_faces
from mote_bench.contracts import Attack, Embedder, Faces, Scheme
from mote_bench.questions import Question

__all__ = [
    "Finding",
    "check_attack",
    "check_embedder",
    "check_question",
    "check_scheme",
    "generated_faces",
    "portraits",
]


def check_scheme(make_scheme: Callable[[], Scheme], *, faces: Faces | None = None, seed: int = 0) -> list[Finding]:
    """Check a scheme against the contract :class:`mote_bench.contracts.Scheme`.

    Eight people are enrolled about six times, and their templates are also scored in a second process.

    Parameters
    ----------
    make_scheme : callable
        Makes a new, unfitted scheme: the class itself, if it needs no arguments.
    faces : Faces, optional
        Faces with identities: at least 24 people with two photos or more. By default generated ones, 64-dimensional
        (:func:`generated_faces`).
    seed : int
        Seed of the generated faces, the choice of people, ``fit``, the keys and enrolment.

    Returns
    -------
    list of Finding
        One per check. The list ends after a failed check that the following ones depend on. Only a control that holds
        nothing, such as ``noise``, may fail ``recognises``.

    Raises
    ------
    InputError
        When ``faces`` has no identities or too few people.
    """
    from mote_bench.conformance import schemes

    people = deal(generated_faces(seed=seed) if faces is None else faces, target=8, shadow=5, seed=seed)
    return findings(schemes.Trial(make_scheme, people, seed), schemes.CHECKS)


def check_attack(make_attack: Callable[[], Attack], *, faces: Faces | None = None, seed: int = 0) -> list[Finding]:
    """Check an attack against the contract :class:`mote_bench.contracts.Attack`.

    The attack is run on three built-in schemes, at every knowledge level that it states. It must succeed on the
    ceiling control ``cosine``, be at chance on the floor control ``noise``, and answer on ``biohash``, which has keys.

    Parameters
    ----------
    make_attack : callable
        Makes a new attack: the class itself, if it needs no arguments.
    faces : Faces, optional
        Faces with identities: at least 80 people with two photos or more. For an attack that answers
        :class:`mote_bench.questions.WhichClass` also an attribute. By default generated ones
        (:func:`generated_faces`).
    seed : int
        Seed of the generated faces, the choice of people, the schemes and the attack.

    Returns
    -------
    list of Finding
        One per check. The list ends after a failed check that the following ones depend on.

    Raises
    ------
    InputError
        When ``faces`` has no identities, too few people or no attribute.
    """
    from mote_bench.conformance import attacks

    people = deal(generated_faces(seed=seed) if faces is None else faces, target=48, shadow=80, seed=seed)
    return findings(attacks.Trial(make_attack, people, seed), attacks.CHECKS)


def check_question(question: type[Question], *, faces: Faces | None = None, seed: int = 0) -> list[Finding]:
    """Check a question against the contract :class:`mote_bench.questions.Question`.

    The question is posed about people who are split as a run of protocol quick-1 splits them, and enrolled with
    ``cosine``; guesses are scored as answers.

    Parameters
    ----------
    question : type
        The class itself.
    faces : Faces, optional
        Faces with identities for which the question is offered, such as faces with an attribute that generated ones
        lack: at least 140 people with four photos or more. By default 600 generated people
        (:func:`generated_faces`), who have the classes ``gender`` and ``age`` and the number ``years``.
    seed : int
        Seed of the generated faces, the choice of people, the scheme and the guesses.

    Returns
    -------
    list of Finding
        One per check. The list ends after a failed check that the following ones depend on.

    Raises
    ------
    InputError
        When ``faces`` has no identities, or too few people with four photos.
    """
    from mote_bench.conformance import questions

    people = generated_faces(people=600, photos=4, seed=seed) if faces is None else faces
    return findings(questions.posed(question, people, seed), questions.CHECKS)


def check_embedder(make_embedder: Callable[[], Embedder]) -> list[Finding]:
    """Check an embedder against the contract :class:`mote_bench.contracts.Embedder`.

    The embedder is run on six rendered portraits of three people (:func:`portraits`) and on pictures without a face.

    Parameters
    ----------
    make_embedder : callable
        Makes a new embedder: the class itself, if it needs no arguments.

    Returns
    -------
    list of Finding
        One per check. The list ends after a failed check that the following ones depend on.
    """
    from mote_bench.conformance import embedders

    return findings(embedders.Trial(make_embedder), embedders.CHECKS)
