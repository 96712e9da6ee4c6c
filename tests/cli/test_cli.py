"""The command line's contract: names, examples, exit codes, speed, and what a command prints."""

import re
import resource
import subprocess
import sys

import pytest

from covid_keras.cli.main import main, parser
from covid_keras.metrics.sentences import wrapped

COMMANDS = ("recipes", "models", "data", "run", "train", "evaluate", "predict", "explain", "report")
LIGHT = (
    ["--help"],
    ["train", "--help"],
    ["recipes"],
    ["models"],
    ["data", "list"],
    ["data", "list", "covidx-ct-2a"],
)


@pytest.mark.parametrize("arguments", LIGHT, ids=" ".join)
def test_light_commands_load_neither_tensorflow_nor_pandas(arguments):
    code = (
        "import sys; from covid_keras.cli.main import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'tensorflow', 'keras', 'pandas', 'matplotlib', 'sklearn', 'cv2'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize(
    ("command", "seconds"),
    [
        (["-m", "covid_keras", "--help"], 0.3),
        (["-m", "covid_keras", "data", "list"], 0.3),
        (["-c", "import covid_keras"], 0.2),
    ],
    ids=["help", "data list", "import"],
)
def test_starts_fast(command, seconds):
    """Processor time, the least of five, so that a busy machine does not decide."""
    times = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *command], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    assert min(times) < seconds


@pytest.mark.parametrize("command", [*COMMANDS[:2], *COMMANDS[3:], "export", "data verify"])
def test_every_command_has_help_with_an_example(command, capsys):
    with pytest.raises(SystemExit) as end:
        main([*command.split(), "--help"])
    assert end.value.code == 0
    assert f"example:\n  covid-keras {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [[], ["fly"], ["train"], ["evaluate"], ["export", "run"], ["data", "verify", "x"]]
)
def test_bad_usage_exits_with_two(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    line = r"covid-keras.*: error: .*; see covid-keras.* --help\n"
    assert re.fullmatch(line, capsys.readouterr().err)


def test_version(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.strip() == "0.2.0"


def test_lists_print_the_contracts_names(capsys):
    main(["data", "list"])
    listed = capsys.readouterr().out
    for name in ("covidx-ct-2a", "covidx-cxr-8b", "covid19-ct", "sars-cov-2-ct", "phantom-ct"):
        assert name in listed
    main(["recipes"])
    assert "ct-bit" in capsys.readouterr().out
    main(["models"])
    assert "bit_r50x1" in capsys.readouterr().out


def test_options_of_the_contract_parse():
    for line in (
        "train ct-bit --data D --dataset covid19-ct --out R --weights bit-m --set a.b=1 --seed 3",
        "train ct-bit --out R --resume",
        "evaluate R --split val --dataset sars-cov-2-ct --data D",
        "predict R a.png b --out p.csv --gradcam maps",
        "explain R --method gradcam --count 2",
        "report R",
        "export R --out D --format savedmodel",
        "data phantom --out D",
    ):
        assert callable(parser().parse_args(line.split()).run)


def test_lines_break_between_intervals_not_inside():
    interval = "33.3 [1.7, 93.7] (unreliable: 3 patients)"
    for shift in range(60):
        lines = wrapped([f"{'x' * shift} macro F1 {interval}, macro AUC {interval}, F1 {interval}"])
        assert sum(line.count(interval) for line in lines) == 3
        assert all(len(line) <= 100 for line in lines)
