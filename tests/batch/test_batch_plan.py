"""A batch file is read, checked and spread out into jobs, each an ordinary case with a hash of its content."""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
from pathlib import Path

import pytest

from optimizer.batch.estimate import RULE, expected_times, total_seconds
from optimizer.batch.execute import shared_out
from optimizer.batch.file import RowChange, batch_of, read_batch
from optimizer.batch.parcel import packed, unpack
from optimizer.batch.plan import PLAIN, limited, plan_of
from optimizer.batch.vary import Changes, vary
from optimizer.errors import DataProblem
from optimizer.tables.case import load_case

TOYS = Path(__file__).parents[1] / "toys"


def plan(content, base=TOYS):
    return plan_of(batch_of(content, "b.toml"), "b.toml", base)


def unpacked(job, tmp_path):
    return load_case(unpack(job.parcel, tmp_path / job.place))


def test_every_combination_is_a_job_and_says_what_varies(tmp_path):
    content = {
        "cases": ["force-majeure"],
        "variation": [{"name": "now"}, {"name": "surge", "set": {"contracts": {"surge_share": 0.3}}}],
        "vary": {"finance": {"price_deck": ["low", "base"]}},
        "vary_rows": [
            {"name": "demand", "table": "demand", "key": "market|*", "column": "demand_t_per_year", "factors": [1, 1.5]}
        ],
    }
    jobs = plan(content).jobs
    # two regimes x two decks x two demands
    assert len(jobs) == 8
    assert len({job.place for job in jobs}) == len({job.case_hash for job in jobs}) == 8
    last = jobs[-1]
    assert last.variation == "surge, price_deck=base, demand=x1.5"
    assert last.keys == {"named": "surge", "finance.price_deck": "base", "demand": "x1.5"}
    case = unpacked(last, tmp_path)
    assert case.settings.contracts.surge_share == 0.3
    assert case.settings.finance.price_deck == "base"
    assert case.tables["demand"]["demand_t_per_year"].tolist() == [150.0]  # 100 t x 1.5


def test_a_case_alone_is_one_job_whose_hash_is_that_of_its_content(tmp_path):
    (job,) = plan({"cases": ["force-majeure"]}).jobs
    assert (job.variation, job.name) == (PLAIN, "force-majeure")
    case = unpacked(job, tmp_path)
    assert (case.case_hash, case.data_hash) == (job.case_hash, job.data_hash)
    (again,) = plan({"cases": [str(TOYS / "force-majeure")]}).jobs
    assert again.case_hash == job.case_hash
    assert hashlib.sha256(again.parcel).digest() == hashlib.sha256(job.parcel).digest()


def test_cells_rows_and_settings_change_as_told():
    case = load_case(TOYS / "force-majeure")
    rows = (
        RowChange(table="offers", key="plant_sale", column="price_usd_per_kg", value=12.5),
        RowChange(table="events", key="stop", remove=True),
        RowChange(table="event_effects", key=["stop", "*"], remove=True),
        RowChange(table="countries", add={"country_iso3": "CCC", "name": "Ccc"}),
        RowChange(table="offers", key="nobody", remove=True, if_missing="skip"),
    )
    _, varied = vary(case, Changes({"horizon.last_year": 2028, "measure.year_weights": {"2027": 2.0}}, rows), "x")
    assert varied.tables["offers"]["price_usd_per_kg"].tolist() == [12.5]
    assert varied.tables["events"].empty
    assert varied.tables["countries"]["country_iso3"].tolist() == ["AAA", "MMM", "CCC"]
    assert varied.settings.horizon.years == (2027, 2028)
    assert varied.settings.measure.year_weights == {2027: 2.0}
    assert load_case(TOYS / "force-majeure").tables["offers"]["price_usd_per_kg"].tolist() == [10.0]


@pytest.mark.parametrize(("value", "read"), [(1, 1.0), (0, 0.0), (1.0, 1.0), ("1", 1.0)])
def test_one_and_nought_stay_numbers_beside_truth_values(value, read):
    case = load_case(TOYS / "force-majeure")
    # the table has a column of truth values: one equals true, but is not written as it
    assert "bool" in set(map(str, case.tables["offers"].dtypes))
    change = RowChange(table="offers", key="plant_sale", column="min_t_per_year", value=value)
    _, varied = vary(case, Changes({}, (change,)), "x")
    assert varied.tables["offers"]["min_t_per_year"].tolist() == [read]
    assert varied.tables["offers"]["is_tax_included"].tolist() == case.tables["offers"]["is_tax_included"].tolist()


def test_a_variation_may_drop_the_rule_that_an_effect_of_a_shared_event_names():
    case = load_case("allied-magnets")
    named = {rule.rule for rule in case.settings.origin_rules}
    assert named & set(case.tables["event_effects"]["origin_rule"].dropna())
    _, varied = vary(case, Changes({"origin_rules": []}), "x")
    assert varied.settings.origin_rules == ()
    # such effects reach nothing and are left out; what they stand beside stays
    assert not named & set(varied.tables["event_effects"]["origin_rule"].dropna())
    assert set(varied.tables["events"]["event"]) == set(case.tables["events"]["event"])


def test_an_entry_of_a_list_is_reached_by_its_number():
    case = load_case(TOYS / "caps-and-counts")
    count = len(case.settings.limits.share_cap)
    assert count >= 1
    key = f"limits.share_cap[{count}].max_share"
    _, varied = vary(case, Changes({key: 0.77}), "x")
    assert varied.settings.limits.share_cap[-1].max_share == 0.77
    for wrong in (f"limits.share_cap[{count + 1}].max_share", "limits.share_cap.max_share", "horizon[1].last_year"):
        with pytest.raises(DataProblem, match=r"B006.*no such entry"):
            vary(case, Changes({wrong: 0.5}), "x")
    with pytest.raises(DataProblem, match=r"B006.*no such entry"):
        vary(case, Changes({f"limits.share_cap[{count + 1}]": {}}), "x")


def test_everything_wrong_with_a_batch_is_told_at_once():
    content = {
        "cases": ["force-majeure", "nowhere", "no*thing"],
        "vary": {"finance.discount_rate": [0.1], "finance.carbon_price_usd_per_t": 3},
        "variation": [
            {
                "name": "a",
                "rows": [
                    {"table": "offer", "key": "x", "remove": True},
                    {"table": "offers", "key": "plant_sale", "column": "price", "value": 1},
                    {"table": "offers", "key": "nobody", "column": "price_usd_per_kg", "value": 1},
                    {"table": "demand", "key": "market", "column": "demand_t_per_year", "value": 1},
                    {"table": "offers", "key": "plant_sale", "column": "kind", "factor": 2.0},
                ],
            },
        ],
    }
    with pytest.raises(DataProblem) as told:
        plan(content)
    codes = sorted(problem.code for problem in told.value.problems)
    assert codes == ["B004", "B005", "B005", "B006", "B007", "B007", "B007", "B007", "B007"]
    assert "did you mean `finance.discount_rate_share`?" in str(told.value)
    assert "did you mean `offers`?" in str(told.value)


def test_a_variation_that_is_no_right_case_is_told_like_any_case():
    with pytest.raises(DataProblem) as told:
        plan({"cases": ["force-majeure"], "vary": {"shocks.events": [["stop"], ["go"]], "measure.alpha": [2.0, 0.5]}})
    assert sorted({problem.code for problem in told.value.problems}) == ["T007", "T025"]


def test_two_jobs_of_one_name_are_refused(tmp_path):
    shutil.copytree(TOYS / "one-plant", tmp_path / "other" / "one-plant")
    with pytest.raises(DataProblem, match="B008"):
        plan({"cases": [str(TOYS / "one-plant"), str(tmp_path / "other" / "one-plant")]})
    with pytest.raises(DataProblem, match="B008"):
        plan({"cases": ["one-plant"], "variation": [{"name": "a"}, {"name": "a"}]})


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("cases = [", "B002"),
        ("case = ['x']", "B003"),
        ("cases = []", "B004"),
        ("cases = ['x']\n[options]\npoint = 3", "B003"),
        ("cases = ['x']\n[options]\nseed = 'a'", "B004"),
        ("cases = ['x']\n[[variation]]\nname='a'\n[[variation.rows]]\ntable='t'\nkey='k'", "B004"),
        ("cases = ['x']\n[[vary_rows]]\nname='a'\ntable='t'\nkey='k'\ncolumn='c'", "B004"),
    ],
)
def test_a_wrong_batch_file_is_told_with_its_place(tmp_path, text, code):
    path = tmp_path / "b.toml"
    path.write_text(text)
    with pytest.raises(DataProblem, match=code):
        read_batch(path)
    with pytest.raises(DataProblem, match="B001"):
        read_batch(tmp_path / "none.toml")


def test_wildcards_take_shipped_cases_and_folders(tmp_path):
    for name in ("one-plant", "no-market"):
        shutil.copytree(TOYS / name, tmp_path / "mine" / name)
    jobs = plan({"cases": ["mine/*"]}, tmp_path).jobs
    assert [job.case for job in jobs] == ["no-market", "one-plant"]


def test_the_command_line_wins_over_the_file():
    made = limited(plan({"cases": ["one-plant"], "options": {"points": 9, "workers": 3}}), points=5, seed=None)
    assert (made.options.points, made.options.seed, made.workers) == (5, 0, 3)
    assert limited(made, workers=1).workers == 1


def test_cores_are_shared_out_between_jobs_and_their_solvers():
    assert shared_out(8, 100, None) == (8, 1)
    assert shared_out(8, 3, None) == (3, 2)
    assert shared_out(8, 1, None) == (1, 8)
    assert shared_out(8, 100, 4) == (2, 4)
    assert shared_out(2, 5, 8) == (1, 8)
    assert shared_out(8, 100, None, 2) == (2, 4)
    assert shared_out(8, 100, 2, 3) == (3, 2)
    assert shared_out(8, 1, None, 2) == (1, 8)
    assert all(
        a * b <= cores for cores in range(1, 9) for jobs in range(1, 9) for a, b in [shared_out(cores, jobs, None)]
    )


def test_time_without_past_runs_is_a_stated_rule(tmp_path):
    made = plan({"cases": ["one-plant", "no-market"]})
    expected = expected_times(made, tmp_path)
    assert {each.basis for each in expected} == {RULE}
    # toys are so small that each takes the least time there is: 2 s; two at once take as long as one
    assert [each.seconds for each in expected] == [2.0, 2.0]
    assert (total_seconds(expected, 1), total_seconds(expected, 2), total_seconds([], 2)) == (4.0, 2.0, 0.0)


def test_parcels_are_equal_for_equal_folders_and_stay_inside(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c.txt").write_text("x")
    first = packed(tmp_path / "a")
    (tmp_path / "a" / "b" / "c.txt").touch()
    assert packed(tmp_path / "a") == first
    assert (unpack(first, tmp_path / "d") / "b" / "c.txt").read_text() == "x"
    link = tarfile.TarInfo("way-out")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc"
    for entry in (tarfile.TarInfo("../out"), tarfile.TarInfo("/out"), tarfile.TarInfo("b/../../out"), link):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:xz") as parcel:
            parcel.addfile(entry)
        with pytest.raises(tarfile.TarError, match="more than files"):
            unpack(buffer.getvalue(), tmp_path / "e")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "d", "e"]
    assert list((tmp_path / "e").iterdir()) == []


def test_a_variation_for_some_cases_stands_in_place_of_its_namesake_for_all():
    content = {
        "cases": ["force-majeure", "one-plant"],
        "variation": [
            {"name": "calm"},
            {"name": "storm", "set": {"finance.discount_rate_share": 0.2}},
            {"name": "storm", "cases": ["one-*"], "set": {"finance.discount_rate_share": 0.3}},
            {"name": "drought", "cases": ["one-plant"]},
        ],
    }
    jobs = plan(content).jobs
    assert [(job.case, job.variation) for job in jobs] == [
        ("force-majeure", "calm"), ("force-majeure", "storm"),
        ("one-plant", "calm"), ("one-plant", "storm"), ("one-plant", "drought"),
    ]  # fmt: skip
    assert [rate_of(job) for job in jobs if job.variation == "storm"] == [0.2, 0.3]
    content["variation"][3]["cases"] = ["one-plant", "two-plants"]
    with pytest.raises(DataProblem, match=r"B005.*variation.4.cases.*two-plants"):
        plan(content)


def rate_of(job):
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        return load_case(unpack(job.parcel, Path(place) / "case")).settings.finance.discount_rate_share


def test_the_shipped_batch_gives_every_shipped_case_three_regimes_of_its_own_tables(monkeypatch):
    """Without the checking of each varied case, which the long proof does."""
    import optimizer.batch.plan as plans
    from optimizer.tables.locate import cases_root, shipped_cases

    jobs = []
    monkeypatch.setattr(plans, "_job", lambda case, variation, keys, changes: jobs.append((case, variation, changes)))
    monkeypatch.setattr(plans, "_doubles", lambda jobs, label: ())
    path = cases_root() / "batch-frontiers.toml"
    plans.plan_of(read_batch(path), path.name, path.parent)
    assert [case.name for case, _, _ in jobs] == [name for name in shipped_cases() for _ in range(3)]
    for number, (case, variation, changes) in enumerate(jobs):
        assert variation == ("truce", "package in force", "embargo")[number % 3]
        assert changes.settings["policy.regime"] in set(case.tables["regimes"]["regime"])


@pytest.mark.long
def test_the_shipped_batch_is_twenty_seven_right_cases(tmp_path):
    from optimizer.tables.locate import cases_root

    path = cases_root() / "batch-frontiers.toml"
    jobs = plan_of(read_batch(path), path.name, path.parent).jobs
    assert len({job.case_hash for job in jobs}) == len(jobs) == 27
