"""Conformance kit for plug-in authors: what a plug-in of any kind breaks of its contract, as findings.

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
    """What a scheme keeps and breaks of :class:`mote_bench.contracts.Scheme`.

    Eight people are enrolled about six times over, and templates are scored in a second process as well.

    Parameters
    ----------
    make_scheme : callable
        Makes a new, unfitted scheme: the class itself, if it needs no arguments.
    faces : Faces, optional
        Faces that say who they show, with two photos or more of at least 24 people. By default generated ones,
        64-dimensional (:func:`generated_faces`).
    seed : int
        Of the generated faces, the people chosen, ``fit``, the keys and the seeds of enrolment.

    Returns
    -------
    list of Finding
        One per check. The list ends after a failed check that the following ones build on. ``recognises`` is the one
        check that a control which holds nothing may fail.

    Raises
    ------
    InputError
        When ``faces`` doesn't say who it shows or holds too few people.
    """
    from mote_bench.conformance import schemes

    people = deal(generated_faces(seed=seed) if faces is None else faces, target=8, shadow=5, seed=seed)
    return findings(schemes.Trial(make_scheme, people, seed), schemes.CHECKS)


def check_attack(make_attack: Callable[[], Attack], *, faces: Faces | None = None, seed: int = 0) -> list[Finding]:
    """What an attack keeps and breaks of :class:`mote_bench.contracts.Attack`.

    It is run on the built-in schemes ``cosine`` (which hides nothing: it must break it), ``noise`` (which holds
    nothing: it must stand at chance) and ``biohash`` (which has keys), at every knowledge level that it states.

    Parameters
    ----------
    make_attack : callable
        Makes a new attack: the class itself, if it needs no arguments.
    faces : Faces, optional
        Faces that say who they show, with two photos or more of at least 80 people and, for an attack that answers
        :class:`mote_bench.questions.WhichClass`, an attribute. By default generated ones (:func:`generated_faces`).
    seed : int
        Of the generated faces, the people chosen, the schemes and the attack.

    Returns
    -------
    list of Finding
        One per check. The list ends after a failed check that the following ones build on.

    Raises
    ------
    InputError
        When ``faces`` doesn't say who it shows, holds too few people or lacks an attribute.
    """
    from mote_bench.conformance import attacks

    people = deal(generated_faces(seed=seed) if faces is None else faces, target=48, shadow=80, seed=seed)
    return findings(attacks.Trial(make_attack, people, seed), attacks.CHECKS)


def check_question(question: type[Question], *, seed: int = 0) -> list[Finding]:
    """What a question keeps and breaks of :class:`mote_bench.questions.Question`.

    It is put to 600 generated people of four photos each (:func:`generated_faces`), enrolled with ``cosine``, and
    answered by guesses.

    Parameters
    ----------
    question : type
        The class itself.
    seed : int
        Of the generated faces, the people chosen, the scheme and the guesses.

    Returns
    -------
    list of Finding
        One per check. The list ends after a failed check that the following ones build on.
    """
    from mote_bench.conformance import questions

    return findings(questions.Trial(question, generated_faces(people=600, photos=4, seed=seed), seed), questions.CHECKS)


def check_embedder(make_embedder: Callable[[], Embedder]) -> list[Finding]:
    """What an embedder keeps and breaks of :class:`mote_bench.contracts.Embedder`.

    It embeds six rendered portraits of three people (:func:`portraits`) and pictures without a face.

    Parameters
    ----------
    make_embedder : callable
        Makes a new embedder: the class itself, if it needs no arguments.

    Returns
    -------
    list of Finding
        One per check. The list ends after a failed check that the following ones build on.
    """
    from mote_bench.conformance import embedders

    return findings(embedders.Trial(make_embedder), embedders.CHECKS)
