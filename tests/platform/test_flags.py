"""Flags and the entry point: each test runs a program of its own, because flags belong to the whole process."""


def test_flags_are_parsed_when_one_is_read(run_program):
    code = "flags.DEFINE_integer('steps', 5, 'How many.')\nprint(flags.FLAGS.steps, flags.FLAGS.is_parsed())"
    assert run_program(code).stdout == "5 True\n"
    assert run_program(code, "--steps=7").stdout == "7 True\n"
    wrong = run_program(code, "--stepz=7")
    assert wrong.returncode == 1
    assert "Unknown command line flag 'stepz'. Did you mean: steps ?" in wrong.stderr


def test_old_argument_names_are_taken_with_a_note(run_program):
    code = "flags.DEFINE_string(flag_name='a', default_value='b', docstring='c')\nprint(flags.FLAGS.a)"
    result = run_program(code)
    assert result.stdout == "b\n"
    assert "(flag_name, default_value, docstring) is deprecated" in result.stderr


def test_flags_can_be_set_listed_and_deleted(run_program):
    code = """
flags.DEFINE_float("rate", 0.5, "Rate.")
flags.DEFINE_bool("fast", True, "Fast.")
FLAGS = flags.FLAGS
FLAGS(["program", "--nofast", "rest"])
FLAGS.rate = 0.25
print(FLAGS.rate, FLAGS.fast, "rate" in FLAGS, FLAGS["rate"].default, len(FLAGS) == len(list(FLAGS)))
print(FLAGS.__flags["rate"].value, "rate" in dir(FLAGS))
del FLAGS.rate
print("rate" in FLAGS, hasattr(FLAGS, "rate"))
"""
    assert run_program(code).stdout.splitlines() == ["0.25 False True 0.5 True", "0.25 True", "False False"]


def test_programs_for_tensorflow_1_4_parse_by_hand(run_program):
    code = "flags.DEFINE_integer('n', 1, '')\nflags.FLAGS._parse_flags()\nprint(flags.FLAGS.n)"
    assert run_program(code, "--n=3").stdout == "3\n"


def test_run_calls_main_with_what_is_left_and_exits_with_its_result(run_program):
    code = """
flags.DEFINE_integer("n", 1, "A number.")
def main(argv):
    print(flags.FLAGS.n, argv[1:])
    return 3
app.run()
"""
    result = run_program(code, "--n=2", "file", "--unknown=1")
    assert result.stdout == "2 ['file', '--unknown=1']\n"
    assert result.returncode == 3


def test_run_shows_the_help_of_the_program(run_program):
    code = '__doc__ = "Trains."\nflags.DEFINE_integer("n", 1, "A number.")\ndef main(_): pass\napp.run(main)'
    result = run_program(code, "--help")
    assert "Trains." in result.stdout
    assert "--n: A number." in result.stdout
    assert result.returncode == 1


def test_flags_belong_to_the_program_that_defines_them(run_program):
    code = "flags.DEFINE_integer('n', 1, '')\nprint([flag.name for flag in flags.FLAGS.get_key_flags_for_module('-c')])"
    assert run_program(code).stdout == "['n']\n"


def test_records_of_a_program_that_runs_this_way_come_out_once(run_program):
    code = "def main(_): tf_logging.warning('seen')\napp.run(main)"
    assert run_program(code).stderr == "WARNING:tensorflow:seen\n"
    code = "import logging; logging.basicConfig(format='own %(message)s')\n" + code
    # absl has put its own handler in the place of the program's.
    assert run_program(code).stderr.endswith("] seen\n")
    assert run_program(code).stderr.count("seen") == 1
