from pathlib import Path

from optimizer.model.document import formulation_page


def test_formulation_page_is_up_to_date():
    page = Path(__file__).parents[2] / "docs" / "formulation.md"
    assert page.read_text(encoding="utf-8") == formulation_page()
