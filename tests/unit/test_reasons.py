"""Why something failed, told from what was printed."""

import pytest

from registry_docker_updater.core.runs.reasons import last_words, of_result, of_run

NO_JSON = "Module result deserialization failed: No start of json char found"


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("", ""),
        ("one\n\n  two \r\n", "one two"),
        ("1\n2\n3\n4\n5\n6", "2 3 4 5 6"),
        ("\x1b[31mred\x1b[0m \x07bell \x9b2Jclear", "red bell 2Jclear"),
        ("pyenv: no such thing\nShared connection to web1.example.com closed.\r\n", "pyenv: no such thing"),
        ("Traceback:\n  secret='s'\nSyntaxError: bad\n", "SyntaxError: bad"),
        (
            "a.b.FirstError: old\n\nDuring:\n  File x\nc.LastError: line 1\n\tline 2\n",
            "c.LastError: line 1 line 2",
        ),
    ],
)
def test_the_last_words_are_one_plain_line_and_of_a_traceback_what_broke(printed: str, said: str) -> None:
    assert last_words(printed) == said


def test_last_words_are_cut_to_a_length_where_it_hurts_least() -> None:
    assert last_words("begin" + "x" * 1000 + "end") == "…" + "x" * 397 + "end"
    assert last_words("  File x\nFoundError: begin" + "x" * 1000).startswith("FoundError: begin")
    assert len(last_words("FoundError: begin" + "x" * 1000)) == 401


def test_a_module_that_returned_nothing_failed_for_what_it_printed_and_there_is_a_remedy() -> None:
    reason = of_result({"msg": NO_JSON, "module_stdout": "\n", "module_stderr": "sh: python3: not found\n"})
    assert reason.startswith(f"{NO_JSON}; printed instead: sh: python3: not found (")
    assert "ansible_python_interpreter" in reason


def test_a_module_that_says_why_it_failed_is_quoted_and_nothing_else() -> None:
    assert of_result({"msg": "Task failed: Module failed: no disk"}) == "no disk"
    assert of_result({}) == "no reason given"


def test_a_run_that_broke_before_it_could_call_anything_an_error_is_told_by_its_last_words() -> None:
    assert (
        of_run("Traceback\n  x\nansible.errors.AnsibleError: no room\n")
        == "ansible.errors.AnsibleError: no room"
    )
    assert of_run("usage: …\nansible-playbook: error: --forks must be >= 1") == "--forks must be >= 1"
    assert of_run("ERROR: Invalid type for DEFAULT_FORKS\n") == "Invalid type for DEFAULT_FORKS"
    assert not of_run("")


def test_a_source_of_the_inventory_that_cannot_be_read_is_named_with_the_place_in_it() -> None:
    """Why is only a warning of each plugin that tried."""
    printed = (
        "[WARNING]: Failed to parse inventory with 'yaml' plugin: bad indentation\n"
        "Origin: /shop/hosts.yml:3:5\n"
        "[ERROR]: Completely failed to parse inventory source /shop/hosts.yml\n"
    )
    assert of_run(printed) == (
        "Completely failed to parse inventory source /shop/hosts.yml;"
        " Failed to parse inventory with 'yaml' plugin: bad indentation; see /shop/hosts.yml:3:5"
    )


def test_ansible_core_before_2_19_says_so_over_several_lines() -> None:
    printed = (
        "[WARNING]:  * Failed to parse /shop/hosts.yml with yaml plugin: did not find\n"
        "expected key. The error appears to be in '/shop/hosts.yml': line 4,\n"
        "column 4\n"
        "[WARNING]:  * Failed to parse /shop/hosts.yml with ini plugin: Invalid host\n"
        "ERROR! Completely failed to parse inventory source /shop/hosts.yml\n"
    )
    assert of_run(printed) == (
        "Completely failed to parse inventory source /shop/hosts.yml;"
        " Failed to parse /shop/hosts.yml with yaml plugin: did not find expected key."
        " The error appears to be in '/shop/hosts.yml': line 4, column 4;"
        " Failed to parse /shop/hosts.yml with ini plugin: Invalid host"
    )
