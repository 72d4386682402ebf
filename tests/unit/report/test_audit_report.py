"""The audit report: each figure is its record's, the wording promises nothing, and a page needs nothing but itself."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from random import Random

import pytest

from mote_bench.analysis import audit as quoted
from mote_bench.analysis.audit import Audit, audit, curves, recipients, standards
from mote_bench.analysis.queries import queries_to_half
from mote_bench.analysis.selection import Reading, record_link
from mote_bench.analysis.share import share_of
from mote_bench.analysis.standings import BROKEN_ABOVE
from mote_bench.contracts import BY_QUERIES, InputError, Measurement, Record, Status
from mote_bench.data import synthetic
from mote_bench.formatting import number, span
from mote_bench.questions import Property, Risk
from mote_bench.records import store
from mote_bench.records.naming import short_id
from mote_bench.report.audit_report import HOLDS, audit_html, checksum_of_all, recogniser, whole
from words import HOME_MADE

PUBLISHED = Path(__file__).resolve().parents[3] / "leaderboards" / "records" / "people-2_lfw-dlib_0"
PROMISES = re.compile(
    r"\b(safe\w*|secur\w+|anonymous\w*|complian\w+|complies|guarantee\w*|unbreakable|trustworthy|harmless|approved)\b",
    re.IGNORECASE,
)
LONGEST_SENTENCE = 25
VOID = {"meta", "br"}
ONLINE, ALL = ("algorithm (scores only)",), "full_disclosure"


class Page(HTMLParser):
    """Elements with attributes and text; fails on tags that don't match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[dict] = []
        self.elements: list[dict] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        one = {"tag": tag, **dict(attrs), "text": ""}
        self.elements.append(one)
        if tag not in VOID:
            self.open.append(one)

    def handle_data(self, data):
        for one in self.open:
            one["text"] += data

    def handle_endtag(self, tag):
        assert self.open.pop()["tag"] == tag

    def all(self, tag):
        return [one for one in self.elements if one["tag"] == tag]


def audited(records: list[Record], scheme: str) -> tuple[Audit, str]:
    made = audit(records, scheme)
    return made, audit_html(made)


@pytest.fixture(scope="module")
def several(records, make_record) -> list[Record]:
    """The shared run with online attacks, another question, a system's secret, and cells without a result."""
    more = []
    for scheme, value, levels in (("cosine", 0.94, ONLINE), ("noise", 0.0, ONLINE), ("mote", 0.6, (*ONLINE, ALL))):
        gain = Measurement("success_gain", value, value, value, 200, floor=0.0, ceiling=0.94, at="1e-3")
        accepted = Measurement("accepted", value, value, value, 200, at="1e-3")
        spent = Measurement("queries_per_person", 256.0, 200.0, 300.0, 200)
        for level in levels:
            selected = {"knowledge": level, "rehearsal": (replace(gain, n=90),)}
            more.append(make_record(scheme, "solve-scores", "reconstruct", gain, accepted, spent, **selected))
        few = [{"queries": n, "measurements": {gain.name: [value * n / 32, 0.0, value]}} for n in (8, 16)]
        curve = {"knowledge": ONLINE[0], "details": {BY_QUERIES: few}}
        more.append(make_record(scheme, "few-scores", "reconstruct", replace(gain, chance=0.0), spent, **curve))
        top = Measurement("top_1", value, value, value, 200, chance=0.25, floor=0.25, ceiling=1.0)
        more.append(make_record(scheme, "score-photo", "photo", top))
    more.append(make_record("mote", "slow-bytes", "link", status=Status.TIMED_OUT, error="stopped after 300 s"))
    return [*records, *more]


@pytest.fixture(scope="module")
def pages(several, hostile) -> dict[str, tuple[Audit, str]]:
    names = {"mote": "mote", "biohash": "biohash", "coin": "coin", "cosine": "cosine", "hostile": hostile}
    return {name: audited(several, scheme) for name, scheme in names.items()}


@pytest.fixture(params=["mote", "biohash", "coin", "cosine", "hostile"])
def made(request, pages) -> tuple[Audit, str]:
    return pages[request.param]


def described(one: dict, held: Measurement, record: Record) -> tuple[float | None, str]:
    """The number that an element should show, and its text."""
    share = share_of(held)
    field = one.get("data-field", "value")
    if field == "half":
        half = queries_to_half(record, Reading(record.cell.question, held.name))
        return half, f"{half:,}"
    if "data-queries" in one:
        tried = {each["queries"]: each["measurements"][held.name] for each in record.details[BY_QUERIES]}
        value, low, high = tried.get(int(one["data-queries"]), (held.value, held.low, held.high))
        return value, f"{number(value)} [{number(low)}, {number(high)}]"
    if field == "share":
        assert share is not None
        return share.value, f"{whole(share.value)} [{whole(share.low)}, {whole(share.high)}]"
    if field == "value":
        return held.value, f"{number(held.value)} {span(held)}"
    return getattr(held, field), number(getattr(held, field))


def at(table: object, path: str) -> object:
    for part in path.split("."):
        table = table[int(part)] if isinstance(table, list) else table[part]  # type: ignore[index]
    return table


def test_each_figure_is_its_records(made):
    of, text = made
    held = {record_link(one): one for one in of.records}
    figures = Page(text).all("data")
    assert len(figures) > 10
    for one in figures:
        record = held[one["data-record"]]
        if "data-path" in one:
            found = at(store.as_table(record), one["data-path"])
            assert (float(one["value"]), one["text"]) == (found, f"{found:,}")
            continue
        (measured,) = (each for each in record.measurements if each.name == one["data-metric"])
        value, shown = described(one, measured, record)
        assert (float(one["value"]), " ".join(one["text"].split())) == (value, shown)
        if "data-n" in one:
            ends = float(one["data-low"]), float(one["data-high"]), int(one["data-n"])
            assert ends == (measured.low, measured.high, measured.n)


def test_a_figure_that_is_not_its_records_is_found(pages):
    of, text = pages["mote"]
    one = next(one for one in Page(text).all("data") if one.get("data-metric", "").startswith("fnmr"))
    record = next(record for record in of.records if record_link(record) == one["data-record"])
    (measured,) = (each for each in record.measurements if each.name == one["data-metric"])
    assert described(one, replace(measured, value=0.5), record)[0] != float(one["value"])


def test_no_figure_stands_outside_of_such_an_element(made):
    _, text = made
    left = re.sub(r"<data\b.*?</data>|<style>.*?</style>|<dl>.*?</dl>|<[^>]*>", " ", text, flags=re.DOTALL)
    assert set(re.findall(r"(?<![\d.])[01]\.\d{2,}|\[[\d.]+, ", left)) <= {str(BROKEN_ABOVE)}


def test_the_published_figures_of_an_encrypted_scheme_are_those_of_its_file():
    """Read back from the file's own JSON, not through the code that made the page."""
    records, raw = [], {}
    for scheme in ("ckks", "cosine", "noise"):
        for line in (PUBLISHED / f"{scheme}.jsonl").read_text(encoding="utf-8").splitlines():
            if re.search(r'"question": "(verify|link|fairness|cost)"', line):
                table = json.loads(line)
                file = f"records/{PUBLISHED.name}/{scheme}.jsonl#{table['id']}"
                records.append(replace(store.from_line(line, scheme), file=file))
                raw[file] = table
    of, text = audited(records, "ckks")
    page = Page(text)
    for one in page.all("data"):
        table = raw[one["data-record"]]
        if "data-path" not in one:
            (measured,) = (each for each in table["measurements"] if each["metric"] == one["data-metric"])
            assert one.get("data-field") == "share" or float(one["value"]) == measured[one.get("data-field", "value")]
    listed = [one for one in page.elements if "data-sha256" in one]
    assert [one["text"] for one in listed] == [raw[one["data-record"]]["sha256"] for one in listed]
    own = sorted(raw[record_link(one)]["sha256"] for one in of.records)
    assert sha256("".join(f"{one}\n" for one in own).encode()).hexdigest() in text
    assert "system&#39;s secrets stolen" in text


def test_no_sentence_promises_anything(made):
    assert PROMISES.findall(re.sub(r"<style>.*?</style>|<[^>]*>", " ", made[1], flags=re.DOTALL)) == []


@pytest.mark.parametrize("claim", ["It is safe.", "securely kept", "anonymous data", "GDPR-compliant", "guaranteed"])
def test_a_promise_is_found(claim):
    assert PROMISES.search(claim)


def test_sentences_are_short_and_in_the_words_of_the_field(pages):
    for name in ("mote", "biohash", "coin"):
        for block in re.findall(r"<(?:p|li)\b[^>]*>(.*?)</(?:p|li)>", pages[name][1], flags=re.DOTALL):
            said = " ".join(re.sub(r"<data\b.*?</data>", "X", block, flags=re.DOTALL).split())
            said = re.sub(r"<[^>]*>", "", said).replace("&nbsp;", " ")
            assert not HOME_MADE.search(said), said
            for sentence in re.split(r"(?<=[.?!:;])\s+", said):
                assert len(sentence.split()) <= LONGEST_SENTENCE, sentence


def test_nothing_is_loaded_and_nothing_runs(made):
    page = Page(made[1])
    assert [one["tag"] for one in page.elements if one["tag"] in ("script", "link", "img", "iframe", "form")] == []
    assert all(one["href"].startswith("#") for one in page.all("a"))
    assert not re.search(r"@import|url\(|src=|\son\w+=", made[1])
    (policy,) = (one["content"] for one in page.all("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline';")


def test_every_citation_leads_to_a_record_of_the_list(made):
    page = Page(made[1])
    ids = {one["id"] for one in page.elements if "id" in one}
    cited = {one["href"].removeprefix("#") for one in page.all("a")}
    assert cited
    assert cited <= ids
    shown = {f"r-{short_id(one.cell)}" for one in made[0].records}
    assert {one for one in ids if one.startswith("r-")} <= shown


def test_texts_of_records_are_escaped_and_paths_are_not_shown(pages):
    _, text = pages["hostile"]
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    _, text = pages["biohash"]
    assert "no &lt;b&gt;surrogate&lt;/b&gt;" in text
    assert "/home/me" not in text


def test_equal_records_give_equal_bytes_in_any_order(several, pages):
    shuffled = Random(0).sample(several, len(several))
    assert audit_html(audit(shuffled, "biohash")) == pages["biohash"][1]


def test_the_checksum_of_all_changes_with_a_record(pages):
    own = list(pages["mote"][0].checksums.values())
    assert checksum_of_all(own) == checksum_of_all(own[::-1])
    assert checksum_of_all(own) != checksum_of_all(own[1:])


@pytest.mark.parametrize(
    ("scheme", "said", "unsaid"),
    [
        ("biohash", "Every template depends on a key of its subject", "has a secret of its own"),
        ("mote", "The system has a secret of its own", "no keys and no secrets"),
        ("coin", "The scheme has no keys and no secrets", "The columns differ"),
    ],
)
def test_who_holds_keys(pages, scheme, said, unsaid):
    text = pages[scheme][1]
    assert said in text
    assert unsaid not in text


def test_what_a_stolen_key_costs_stands_side_by_side(pages):
    of, text = pages["biohash"]
    (row,) = re.findall(r"<tr><th scope=\"row\">FNMR at FMR 1e-3.*?</tr>", text, flags=re.DOTALL)
    kept, stolen = re.findall(r"value=\"([^\"]*)\"", row)
    (utility,) = of.row.utility
    assert (float(kept), float(stolen)) == (utility.kept.measurement.value, utility.stolen.measurement.value)


def test_lines_without_any_figure_say_what_they_are_about(several):
    failed = [
        replace(one, status=Status.FAILED, measurements=(), error="ValueError: x")
        if one.cell.scheme == "biohash"
        else one
        for one in several
    ]
    _, text = audited(failed, "biohash")
    assert re.findall(r'<th scope="row">([^<]*)</th>\s*<td><em>failed</em></td>', text)[0] == "recognition"
    assert '<th scope="row">gender</th>' in text
    assert PROMISES.findall(re.sub(r"<style>.*?</style>|<[^>]*>", " ", text, flags=re.DOTALL)) == []


def test_a_scheme_that_rejects_its_subjects_is_said_to(pages):
    assert "The scheme rejects half of the genuine probes or more" in pages["coin"][1]
    assert "rejects half of the" not in pages["cosine"][1]


def test_each_standard_has_its_rows_and_what_is_missing_says_so(pages):
    found = {one.name: one.entries for one in standards(pages["coin"][0])}
    topics = {name: list(dict.fromkeys(one.topic for one in entries)) for name, entries in found.items()}
    assert topics == {
        "24745": ["performance", "irreversibility", "unlinkability", "renewability and revocability"],
        "30136": ["accuracy variation", "irreversibility", "unlinkability", "diversity", "storage and time"],
        "19795-1": ["error rates", "failure to enrol"],
        "19795-10": ["differences between groups"],
    }
    whys = {one.topic: one.why for entries in found.values() for one in entries if one.why}
    assert whys == {
        "diversity": "no key to renew",
        "renewability and revocability": "not recorded",
        "failure to enrol": "not known: the data do not say which pictures gave no embedding",
    }


FAILURES = {
    "verify": (
        Measurement("fta", 0.05, 0.03, 0.08, 1200),
        Measurement("fte", 0.075, 0.026, 0.199, 1200),
        Measurement("scheme_fte", 0.02, 0.01, 0.06, 60),
        Measurement("generalised_fnmr", 0.21, 0.15, 0.3, 60, at="1e-3"),
    ),
    "fairness": (
        Measurement("fte", 0.11, 0.05, 0.2, 600, group=("age", "old")),
        Measurement("max_ratio_fte", 1.4, 1.0, 2.6, 1200, group=("age",)),
    ),
}


def test_failures_to_enrol_are_quoted_with_their_record_where_it_holds_them(several):
    held = [replace(one, measurements=(*one.measurements, *FAILURES.get(one.cell.question, ()))) for one in several]
    of, text = audited(held, "mote")
    found = {one.name: one.entries for one in standards(of)}
    errors = {one.topic: [quote.one.name for quote in one.quotes] for one in found["19795-1"]}
    assert errors["failure to enrol"] == ["fta", "fte", "scheme_fte"]
    assert errors["error rates, with failures to enrol"] == ["generalised_fnmr_at_fmr_1e-3"]
    groups = [quote.one.name for one in found["19795-10"] for quote in one.quotes if "fte" in quote.one.name]
    assert groups[:2] == ["fte_age_old", "max_ratio_fte_age"]
    assert "0.075" in text
    assert "not known: the data do not say" not in text


def test_the_risks_of_each_recipient(pages):
    of = pages["mote"][0]
    told = {
        one.attacker.key: dict(zip(Risk, [[entry.topic for entry in entries] for entries in one.risks], strict=True))
        for one in recipients(of)
    }
    assert list(told) == ["records", "algorithm", "secrets", "online_scores", "online_decisions"]
    assert told["algorithm"] == {
        Risk.SINGLE_OUT: ["reconstruct", "photo"],
        Risk.LINK: ["link"],
        Risk.INFER: ["gender", "age", "ethnicity"],
    }
    assert told["online_scores"] == {Risk.SINGLE_OUT: ["reconstruct"], Risk.LINK: [], Risk.INFER: []}
    assert set(told) <= set(HOLDS)


def test_online_attacks_stand_with_their_queries(pages):
    (section,) = re.findall(r"<section aria-labelledby=\"s6\">.*?</section>", pages["mote"][1], flags=re.DOTALL)
    assert "solve-scores" in section
    assert '<b>256</b> <span class="w">[200, 300]</span>' in section
    assert "cannot say how many queries are enough" not in section
    assert "No attack with online access is among the records" in pages["coin"][1]


def test_success_with_fewer_queries_is_shown_where_it_is_recorded(pages):
    of, _ = pages["mote"]
    (curve,) = curves(of)
    assert (curve.holder, curve.record.cell.attack, curve.half) == ("online_scores", "few-scores", 256)
    assert [n for n, _ in curve.reached] == [8, 16, 256]
    without = tuple(one for one in of.records if BY_QUERIES not in one.details)
    text = audit_html(replace(of, records=without))
    assert "cannot say how many queries are enough" in text
    assert "Halfway" not in text


def test_cells_without_a_result_are_named_with_the_reason(pages):
    (section,) = re.findall(r"<section aria-labelledby=\"s8\">.*?</section>", pages["mote"][1], flags=re.DOTALL)
    rows = re.findall(r"<tr><th [^>]*>(.*?)</th><td>(.*?)</td><td>.*?</td><td>(.*?)</td><td>(.*?)</td>", section)
    assert rows == [
        ("age", "xgboost-bytes", "not measured", "not measured: it fails on &#39;cosine&#39;"),
        ("link", "slow-bytes", "timed out", "stopped after 300 s"),
    ]
    assert "Question member (membership in the background set): no record." in section


@pytest.mark.parametrize(
    ("sha256", "notes", "expected"),
    [
        ("a", (), "not recorded"),
        ("a", ("embedded by dlib (weights 1; five points); 3 pictures were skipped",), "dlib (weights 1; five points)"),
        (synthetic.card()["sha256"], (), synthetic.card()["embedding"]),
    ],
)
def test_the_recogniser_is_stated_where_it_is_known(make_record, sha256, notes, expected):
    one = replace(make_record("mote", "zero-effort", "verify"), provenance={"data_sha256": sha256})
    assert recogniser([one], notes) == expected
    stated = replace(one, provenance=one.provenance | {"recogniser": "mobilefacenet"})
    assert recogniser([stated], notes) == "mobilefacenet"  # what records state comes before what is inferred


@pytest.mark.parametrize(("name", "near"), [("bioash", "mean biohash?"), ("zzz", "coin, cosine, mote or noise?")])
def test_an_unknown_scheme_is_refused_with_what_there_is(make_records, name, near):
    with pytest.raises(InputError, match=f"no scheme '{name}' in the records of 'people'") as error:
        audit(make_records("cosine", "noise", "mote", "biohash", "coin"), name)
    assert near in str(error.value)


def test_a_plug_ins_question_has_a_clause_of_the_property_that_it_threatens(several, monkeypatch):
    """Here ``photo`` stands for one: an attacker who knows which photo was enrolled has undone the template."""
    before = {entry.topic for entry in standards(audit(several, "mote"))[0].entries}
    assert "irreversibility: photo" not in before
    own = quoted.threatened
    photo = {"photo": Property.IRREVERSIBILITY}
    monkeypatch.setattr(quoted, "threatened", lambda question, headline: photo.get(question) or own(question, headline))
    of = audit(several, "mote")
    entries = [entry for entry in standards(of)[0].entries if entry.topic == "irreversibility: photo"]
    assert entries
    assert all(entry.quotes and entry.record.cell.question == "photo" for entry in entries)
    assert "irreversibility: photo" in audit_html(of)
