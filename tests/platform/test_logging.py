"""`tf.logging`: levels, counting calls, and the place that a record names."""

import logging as python_logging

import pytest

from reflow.platform import logging


@pytest.fixture
def records():
    """The records that reach the "tensorflow" logger from INFO on."""
    seen = []

    class Collector(python_logging.Handler):
        def emit(self, record):
            seen.append(record)

    logger, collector = logging.get_logger(), Collector()
    before = logger.level
    logger.addHandler(collector)
    logging.set_verbosity(logging.INFO)
    yield seen
    logger.removeHandler(collector)
    logger.setLevel(before)


def test_every_level_has_its_function(records):
    for write in [logging.debug, logging.info, logging.warn, logging.warning, logging.error, logging.fatal]:
        write("%s", "x")
    logging.log(logging.ERROR, "y")
    logging.vlog(logging.DEBUG, "hidden")
    logging.TaskLevelStatusMessage("z")
    assert [(record.levelname, record.getMessage()) for record in records] == [
        ("INFO", "x"),
        ("WARNING", "x"),
        ("WARNING", "x"),
        ("ERROR", "x"),
        ("CRITICAL", "x"),
        ("ERROR", "y"),
        ("ERROR", "z"),
    ]


def test_records_name_the_line_of_the_caller(records):
    logging.info("x")
    logging.log_if(logging.INFO, "x", True)
    logging.log_every_n(logging.INFO, "x", 1)
    logging.log(logging.INFO, "x")
    assert {record.filename for record in records} == {"test_logging.py"}
    assert {record.funcName for record in records} == {"test_records_name_the_line_of_the_caller"}


def test_counted_functions_count_by_source_line(records):
    for step in range(5):
        logging.log_every_n(logging.INFO, "every %d", 2, step)
        logging.log_first_n(logging.INFO, "first %d", 2, step)
        logging.log_if(logging.INFO, "if %d", step == 4, step)
    assert [record.getMessage() for record in records] == [
        "every 0", "first 0", "first 1", "every 2", "every 4", "if 4",
    ]  # fmt: skip


def test_verbosity_is_the_threshold(records):
    logging.set_verbosity(logging.ERROR)
    assert logging.get_verbosity() == python_logging.ERROR
    logging.warning("hidden")
    assert records == []


def test_the_output_is_tensorflows(run_program):
    result = run_program("tf_logging.info('hidden'); tf_logging.warning('seen'); tf_logging.flush()")
    assert (result.stdout, result.stderr) == ("", "WARNING:tensorflow:seen\n")


def test_a_program_with_its_own_logging_gets_each_record_once(run_program):
    result = run_program("import logging; logging.basicConfig(format='%(message)s'); tf_logging.warning('seen')")
    assert result.stderr == "seen\n"
