"""Details of findings and their review by hand: where, a good example, what dropping costs; the sheet and back."""

from __future__ import annotations

import csv
import io
import json
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from typer.testing import CliRunner

import syngain
from syngain.audit.review import Reviewed, hypergeometric_interval
from syngain.cli.app import app
from syngain.core.errors import InputError, UsageError
from syngain.data.dataset import Dataset

TOPICS = ("bread", "tides", "bees", "maps", "solar panels", "chess", "old roofs", "winter tires")
CLAUSES = (
    "the first step takes an hour",
    "small errors add up over the years",
    "results differ between regions",
    "most of the cost is in the material",
    "a simple tool is often enough",
    "records of ten years help",
)


def rows(number, seed, bad=0.0, refusal="I am not able to help with that request today."):
    rng = np.random.default_rng(seed)
    out = []
    for index in range(number):
        topic = TOPICS[rng.integers(len(TOPICS))]
        answer = f"For {topic}, {', and '.join(rng.permutation(CLAUSES)[:3])}."
        wrong = rng.random() < bad
        out.append(
            {
                "prompt": f"Explain {topic} in case {seed}-{index}",
                "completion": refusal if wrong else answer,
                "generator": "small" if wrong else "large",
            }
        )
    return out


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    folder = tmp_path_factory.mktemp("review")
    for name, made in {"real": rows(120, 1), "syn": rows(240, 2, bad=0.3)}.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in made))
    result = syngain.audit(folder / "real.jsonl", folder / "syn.jsonl", gain=False)
    syngain.report.write(result, folder / "run")
    return result, folder


def bad(result):
    return next(finding for finding in result.findings if finding.id == "bad_responses")


class TestDetails:
    def test_says_which_side_and_which_value_the_rows_share(self, audited):
        finding = bad(audited[0])
        assert finding.where.startswith("response side; 100% of these rows have `generator` small (other rows 0%)")

    def test_every_flagged_row_is_planted_and_none_is_missing(self, audited):
        result, folder = audited
        made = [json.loads(line) for line in (folder / "syn.jsonl").read_text().splitlines()]
        assert set(bad(result).flagged) == {i for i, row in enumerate(made) if row["generator"] == "small"}

    def test_the_good_example_is_a_row_without_the_defect(self, audited):
        finding = bad(audited[0])
        assert len(finding.examples) == 3
        assert "→ For " in finding.good_example
        assert "not able" not in finding.good_example

    def test_says_what_dropping_costs(self, audited):
        finding = bad(audited[0])
        assert finding.dropping == f"leaves {240 - finding.rows} of 240 rows"

    def test_names_labels_that_lose_most_of_their_rows(self):
        real = [{"text": row["completion"], "label": row["prompt"].split()[1]} for row in rows(160, 3)]
        synthetic = [{"text": row["completion"], "label": row["prompt"].split()[1]} for row in rows(160, 4)]
        copies = [{"text": f"{real[0]['text']} {i % 3}", "label": "rare"} for i in range(40)]
        more = [{"text": f"a rare one of number {i} and kind {i * 7}", "label": "rare"} for i in range(4)]
        result = syngain.audit(
            Dataset.from_rows([*real, *more], "real"), Dataset.from_rows([*synthetic, *copies], "synthetic"), gain=False
        )
        found = next(one for one in result.findings if one.id == "duplicates")
        assert "label `rare` loses" in found.dropping

    def test_languages_are_named(self):
        real, synthetic = rows(100, 5), rows(200, 6)
        for row in [*real[::2], *synthetic[::2]]:
            row["prompt"] = "이 주제를 자세히 설명해 주세요 그리고 이유도 알려 주세요 " + row["prompt"][-6:]
            row["completion"] = (
                "이것은 장소와 시간에 따라 다릅니다 그리고 자세한 점검이 필요합니다 " + row["prompt"][-4:]
            )
        for row in synthetic[::4]:
            row["completion"] = ""
        found = bad(syngain.audit(Dataset.from_rows(real), Dataset.from_rows(synthetic), gain=False))
        assert "of these rows are in Korean" in found.where

    def test_every_finding_reaches_the_report_with_its_details(self, audited):
        result, folder = audited
        written = json.loads((folder / "run" / "report.json").read_text())["findings"]
        assert [one["where"] for one in written] == [one.where for one in result.findings]
        page = (folder / "run" / "report.html").read_text()
        assert "A row without this defect:" in page
        assert "leaves" in page


class TestInterval:
    @given(st.integers(1, 60), st.data())
    @settings(max_examples=150, deadline=None)
    def test_holds_the_sample_and_ends_at_what_is_known(self, population, data):
        sample = data.draw(st.integers(1, population))
        hits = data.draw(st.integers(0, sample))
        low, high = hypergeometric_interval(population, sample, hits, 0.9)
        assert hits / population - 1e-12 <= low <= hits / sample + 1e-12
        assert hits / sample - 1e-12 <= high <= 1 - (sample - hits) / population + 1e-12
        if sample == population:
            assert low == high == hits / population

    def test_covers_the_truth_at_its_level(self):
        """Every possible sample, weighted with its probability: exact coverage, no simulation."""
        for population, truth, sample in [(40, 10, 15), (150, 140, 50), (60, 30, 20)]:
            covered = 0.0
            for hits in range(max(0, sample - population + truth), min(sample, truth) + 1):
                low, high = hypergeometric_interval(population, sample, hits, 0.9)
                covered += stats.hypergeom.pmf(hits, population, truth, sample) * (low <= truth / population <= high)
            assert covered >= 0.9

    def test_of_a_complete_review_is_the_precision_itself(self):
        one = Reviewed.of("duplicates", 4, [True, True, False, True])
        assert one.precision.value == 0.75
        assert one.precision.interval(0.95) == (0.75, 0.75)


def filled(review, answer):
    sheet = [dict(row, correct=answer(i)) for i, row in enumerate(review.rows)]
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, sheet[0].keys())
    writer.writeheader()
    writer.writerows(sheet)
    return buffer.getvalue()


class TestReview:
    def test_samples_rows_of_every_finding_without_repeats(self, audited):
        result, folder = audited
        review = syngain.review(folder / "run", rows=20)
        mine = [row for row in review.rows if row["finding"] == "bad_responses"]
        assert len({row["row"] for row in mine}) == 20
        assert {row["row"] for row in mine} <= set(bad(result).flagged)
        assert all(
            row["correct"] == "" and "not able" in row["completion" if "completion" in row else "response"]
            for row in mine
        )

    def test_reads_the_filled_sheet_into_the_report(self, audited, tmp_path):
        _, folder = audited
        review = syngain.review(folder / "run")
        (tmp_path / "sheet.csv").write_text(filled(review, lambda i: "no" if i % 5 == 0 else "yes" if i < 45 else ""))
        read = syngain.review(folder / "run", tmp_path / "sheet.csv")
        one = read.findings[0]
        assert (one.finding, one.rows, one.correct, read.open_rows) == ("bad_responses", 46, 36, len(review.rows) - 46)
        report = json.loads((folder / "run" / "report.json").read_text())
        assert report["estimates"]["review.precision@bad_responses"]["value"] == 36 / 46
        low, high = report["estimates"]["review.precision@bad_responses"]["intervals"]["0.90"]
        assert low < 36 / 46 < high
        assert "36 of 46 reviewed rows have the defect" in (folder / "run" / "report.html").read_text()
        again = syngain.review(folder / "run", tmp_path / "sheet.csv")
        assert again.findings == read.findings
        assert (folder / "run" / "report.html").read_text().count("reviewed rows have the defect") == 1

    def test_lines_without_content_are_left_out(self, audited, tmp_path):
        run = audited[1] / "run"
        sheet = filled(syngain.review(run), lambda i: "yes")
        (tmp_path / "sheet.csv").write_text(sheet + "," * sheet.splitlines()[0].count(",") + "\n")
        assert syngain.review(run, tmp_path / "sheet.csv").findings[0].precision.value == 1

    def test_a_damaged_run_is_an_error(self, audited, tmp_path):
        copied = shutil.copytree(audited[1] / "run", tmp_path / "run")
        (copied / "flagged.jsonl").write_text("broken{")
        with pytest.raises(InputError, match="cannot be read"):
            syngain.review(copied)

    def test_from_the_command_line(self, audited, tmp_path):
        _, folder = audited
        sheet = tmp_path / "sheet.csv"
        written = CliRunner().invoke(app, ["review", str(folder / "run"), "-o", str(sheet), "--rows", "10"])
        assert written.exit_code == 0
        assert "Fill in the column `correct`" in written.output
        assert sheet.read_bytes().startswith(b"\xef\xbb\xbf")
        sheet.write_text(sheet.read_text().replace("refusal,,", "refusal,Yes,"))
        read = CliRunner().invoke(app, ["review", str(folder / "run"), "--filled", str(sheet)])
        assert read.exit_code == 0
        assert "100%" in read.output

    def test_no_cell_is_taken_for_a_formula(self, audited, tmp_path):
        review = syngain.review(audited[1] / "run", rows=1)
        evil = type(review)(({**review.rows[0], "response": "=cmd|' /C calc'!A0"},))
        evil.write(tmp_path / "sheet.csv")
        assert ",'=cmd" in (tmp_path / "sheet.csv").read_text(encoding="utf-8-sig")

    def test_never_replaces_a_sheet(self, audited, tmp_path):
        (tmp_path / "sheet.csv").write_text("mine")
        with pytest.raises(UsageError, match="exists already"):
            syngain.review(audited[1] / "run").write(tmp_path / "sheet.csv")

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda text: text.replace(",yes,", ",maybe,", 1), "'maybe'"),
            (lambda text: text.replace("correct", "right"), "no column `correct`"),
            (lambda text: text.replace("bad_responses,", "other,", 1), "not among the sampled rows"),
            (lambda text: text.replace(",yes,", ",,"), "is empty"),
            (lambda text: text.replace("syn.jsonl:", "other.jsonl:"), "not among the sampled rows"),
            (lambda text: text + text.splitlines()[1].replace(",yes,", ",no,") + "\n", "with yes and with no"),
        ],
    )
    def test_a_wrong_sheet_is_an_error_and_changes_nothing(self, audited, tmp_path, change, message):
        run = audited[1] / "run"
        before = (run / "report.json").read_bytes()
        (tmp_path / "sheet.csv").write_text(change(filled(syngain.review(run), lambda i: "yes")))
        with pytest.raises(InputError, match=message):
            syngain.review(run, tmp_path / "sheet.csv")
        assert (run / "report.json").read_bytes() == before

    def test_a_run_without_findings_says_so(self, tmp_path):
        clean = [{"text": text} for text in ("Bread needs salt.", "Maps lie a little", "Old roofs leak in June")]
        result = syngain.audit(
            Dataset.from_rows([{"text": row["prompt"]} for row in rows(60, 7)]), Dataset.from_rows(clean), gain=False
        )
        assert not result.findings
        syngain.report.write(result, tmp_path / "run")
        with pytest.raises(InputError, match="nothing to review"):
            syngain.review(tmp_path / "run")
