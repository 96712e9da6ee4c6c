"""The table of a study's networks beside the paper's."""

import pandas as pd
from latex_check import check_latex
from made_studies import planned, small_study

from covid_keras.studies.network_table import write_networks
from covid_keras.studies.study import Source


def test_ours_are_beside_the_published(tmp_path):
    _, source, plan = planned(
        "ct_networks", "--data", "x", "--networks", "squeezenet", "densenet121"
    )
    paths = write_networks(plan, tmp_path, source)
    assert [path.name for path in paths] == ["networks.md", "networks.csv", "networks.tex"]
    table = pd.read_csv(paths[1], index_col=["network", "from"])
    assert len(table) == 4
    ours, theirs = (table.loc[("DenseNet121", name)] for name in ("ours", "published"))
    assert ours["input"] == theirs["input"] == "349x253"
    assert (ours["parameters (M)"], theirs["parameters (M)"]) == (6.95, 6.95)
    assert (ours["size (MB)"], theirs["size (MB)"], theirs["layers"]) == (27.8, 28.3, 121)
    assert "table 1 of Alshazly" in paths[0].read_text()
    check_latex(paths[2].read_text(), 7)


def test_papers_without_such_a_table_have_none(tmp_path):
    assert write_networks(small_study(), tmp_path, Source()) == []
