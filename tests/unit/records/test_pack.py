"""A run's records are packed for publication by a command."""

from test_store import RECORD

from commands import mote_bench
from mote_bench import files
from mote_bench.records import store
from mote_bench.records.naming import record_name, short_id


def test_a_run_is_packed_and_its_boards_stay_the_same(tmp_path):
    store.prepare(tmp_path / "boards")
    store.write(tmp_path / "boards", RECORD)
    assert mote_bench("board", "--out", "boards", "--quiet", cwd=tmp_path).returncode == 0
    packed = mote_bench("pack", "--out", "boards", "--to", "published", cwd=tmp_path)
    assert packed.returncode == 0, packed.stderr
    assert (
        "packed: 1 files in 'published/records'. Make the boards: python -m mote_bench board --out published"
        in packed.stdout
    )
    assert store.read(tmp_path / "published") == [RECORD]
    assert mote_bench("board", "--out", "published", "--quiet", cwd=tmp_path).returncode == 0
    name, packed = record_name(RECORD.cell), f"people-1_synthetic_0/mote.jsonl#{short_id(RECORD.cell)}"
    for board in ("results.csv", "leaderboard.csv", "leaderboard.json", "utility.md"):
        was, now = ((tmp_path / folder / board).read_text() for folder in ("boards", "published"))
        assert now == was.replace(f"records/{name}", f"records/{packed}"), board
    assert f"records/{packed}" in (tmp_path / "published" / "leaderboard.csv").read_text()


def test_a_folder_is_packed_in_place(tmp_path):
    store.prepare(tmp_path / "boards")
    store.write(tmp_path / "boards", RECORD)
    assert mote_bench("pack", "--out", "boards", cwd=tmp_path).returncode == 0
    assert [path.name for path in (tmp_path / "boards" / "records").rglob("*") if path.is_file()] == ["mote.jsonl"]
    assert store.read(tmp_path / "boards") == [RECORD]


def test_a_folder_that_a_run_writes_to_is_not_packed(tmp_path):
    store.prepare(tmp_path / "boards")
    store.write(tmp_path / "boards", RECORD)
    with files.locked(tmp_path / "boards"):
        refused = mote_bench("pack", "--out", "boards", cwd=tmp_path)
    assert refused.returncode == 2
    assert "another run writes to" in refused.stderr
    assert len(list((tmp_path / "boards" / "records").glob("*.json"))) == 1


def test_nothing_to_pack(tmp_path):
    refused = mote_bench("pack", "--out", "nothing", cwd=tmp_path)
    assert refused.returncode == 2
    assert "no records in 'nothing/records'; make some: python -m mote_bench run --out nothing" in refused.stderr
    assert list(tmp_path.iterdir()) == []
