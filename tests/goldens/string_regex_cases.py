"""Regular expressions."""

import numpy as np
from op_recording import Cases

case = Cases()
TEXTS = [
    "",
    "a",
    "abc",
    "aXbXc",
    "foo bar",
    "grüße",
    "日本",
    "a\nb",
    "AbC 12_3",
    "tab\tx\v",
    "a.b*c",
    "xaxbx",
    "aab",
    "{1}",
    "]-[",
]
BYTES = [text.encode("utf-8") for text in TEXTS] + [b"\xffa", "ΑΒΓ١".encode("utf-8")]


def feed(t, values, *shape):
    return t.feed(np.array(values, object), shape[0] if shape else "static", t.tf.string)


PATTERNS = [
    "",
    "a",
    "b*",
    "a|b",
    "|a",
    "a*?",
    "X",
    "[abc]",
    "[^abc]",
    "[[:alpha:]]+",
    "[[:^alpha:]x]",
    "\\d+",
    "\\D",
    "\\s",
    "\\S+",
    "\\w+",
    "\\W",
    "^a",
    "a$",
    "(?m)^.",
    "(?m).$",
    ".",
    "(?s).",
    "\\bb",
    "\\B.",
    "\\x61",
    "\\x{fc}",
    "\\pL",
    "\\p{Lu}",
    "\\PL",
    "\\p{Greek}",
    "\\P{Greek}",
    "\\p{^Lu}",
    "[\\pL1]",
    "[^\\PL]",
    "(?i)abc",
    "a(?i)b|C",
    "(?i:B)c",
    "(?U)a+",
    "(?U)a+?",
    "\\Qa.b*\\E",
    "\\Q.",
    "{1}",
    "a{,2}",
    "a{2}",
    "a{1,}",
    "(a)(b)?",
    "(?P<n>b)",
    "\\z",
    "c\\z",
    "\\A.",
    "[]-]",
    "[\\]\\-]",
    "[a\\d]",
    "[\\D]",
    "[^\\w]",
    "\\.",
    "\\*",
    "(a|ab)(c|bcd)?",
    "(?:a|b)+",
    "[a-c]+",
    "(a*)*",
    "\\101",
    "[\\x61-\\x63]",
    "a{0}",
    "[[:word:]]",
    "(?-s).",
    "(?i-s)A.",
    "[&&a]",
    "[a--]",
    "\\a|\\f",
    "\\07",
    "[\\S]",
    "[\\s]",
]
WRONG = [
    "(",
    ")",
    "a**",
    "*",
    "a++",
    "[",
    "[b-a]",
    "\\1",
    "(a)\\1",
    "(?=a)",
    "(?<!a)",
    "(?<n>a)",
    "a{1001}",
    "a{2,1}",
    "\\",
    "\\8",
    "\\y",
    "\\p{Foo}",
    "(?z)",
    "x{2}{3}",
    "a|*",
    "(?P=n)",
    "\\x{110000}",
    "(?P<n>a)(?P<n>b)",
    "[a",
    "(?#c)",
    "a*+",
    "\\Z",
]


@case.each(pattern=PATTERNS + WRONG)
def pattern(tf, t, pattern):
    x = feed(t, BYTES)
    t.out(tf.strings.regex_full_match(x, pattern), tf.strings.regex_replace(x, pattern, "<\\0>"))
    t.out(tf.regex_replace(x, pattern, "-", replace_global=False), tf.strings.regex_full_match(x, tf.constant(pattern)))


@case.each(rewrite=["", "\\\\", "\\1", "\\0\\0", "\\2", "x\\q", "\\", "\\1x\\q", "\\3", "$1", "é\\1"])
def rewrite(tf, t, rewrite):
    for is_global in (True, False):
        t.out(tf.strings.regex_replace(feed(t, BYTES), "(a)(b)?", rewrite, is_global, name="r"))
        t.out(tf.regex_replace(feed(t, BYTES), tf.constant("(a)(b)?"), rewrite, is_global))


@case
def shapes(tf, t):
    t.out(
        tf.strings.regex_full_match("ab", "ab"),
        tf.strings.regex_replace(feed(t, [["a"]], None), feed(t, "a"), feed(t, "b")),
    )
    t.out(tf.strings.regex_full_match(np.zeros([0, 2], "S"), "a"))


@case
def pattern_is_vector(tf, t):
    t.out(tf.strings.regex_full_match(["ab"], tf.constant(["a"])))


@case
def pattern_is_vector_when_run(tf, t):
    t.out(tf.strings.regex_full_match(["ab"], feed(t, ["a"], None)))
