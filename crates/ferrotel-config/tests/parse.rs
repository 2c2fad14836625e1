//! Documents, what they are read as, and what is wrong with those that are not.

use ferrotel_config::{Value, parse, substitute};
use proptest::prelude::*;

/// The variables of the specification's examples.
fn environment(name: &str) -> Option<String> {
    let value = match name {
        "STRING_VALUE" => "value",
        "BOOL_VALUE" => "true",
        "INT_VALUE" => "1",
        "FLOAT_VALUE" => "1.1",
        "HEX_VALUE" => "0xdeadbeef",
        "INVALID_MAP_VALUE" => "value\nkey:value",
        "DO_NOT_REPLACE_ME" => "Never use this value",
        "REPLACE_ME" => "${DO_NOT_REPLACE_ME}",
        "VALUE_WITH_ESCAPE" => "value$$",
        "EMPTY" => "",
        _ => return None,
    };
    Some(value.to_owned())
}

fn read(text: &str) -> Value {
    parse(text, &environment).unwrap()
}

fn failure(text: &str) -> String {
    parse(text, &environment).unwrap_err().to_string()
}

fn string(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// The specification's table in "Environment variable substitution".
#[test]
fn the_environment_is_filled_in_as_the_specification_shows() {
    let table = [
        ("key: ${STRING_VALUE}", string("value")),
        ("key: ${BOOL_VALUE}", Value::Bool(true)),
        ("key: ${INT_VALUE}", Value::Int(1)),
        ("key: ${FLOAT_VALUE}", Value::Float(1.1)),
        ("key: ${HEX_VALUE}", Value::Int(3_735_928_559)),
        ("key: \"${STRING_VALUE}\"", string("value")),
        ("key: \"${BOOL_VALUE}\"", string("true")),
        ("key: \"${INT_VALUE}\"", string("1")),
        ("key: \"${FLOAT_VALUE}\"", string("1.1")),
        ("key: \"${HEX_VALUE}\"", string("0xdeadbeef")),
        ("key: ${env:STRING_VALUE}", string("value")),
        ("key: ${INVALID_MAP_VALUE}", string("value\nkey:value")),
        ("key: foo ${STRING_VALUE} ${FLOAT_VALUE}", string("foo value 1.1")),
        ("key: ${UNDEFINED_KEY}", Value::Null),
        ("key: ${UNDEFINED_KEY:-fallback}", string("fallback")),
        ("key: ${UNDEFINED_KEY:-7}", Value::Int(7)),
        ("key: ${EMPTY:-fallback}", string("fallback")),
        ("key: ${REPLACE_ME}", string("${DO_NOT_REPLACE_ME}")),
        ("key: ${UNDEFINED_KEY:-${STRING_VALUE}}", string("${STRING_VALUE}")),
        ("key: $${STRING_VALUE}", string("${STRING_VALUE}")),
        ("key: $$${STRING_VALUE}", string("$value")),
        ("key: $$$${STRING_VALUE}", string("$${STRING_VALUE}")),
        ("key: $${STRING_VALUE:-fallback}", string("${STRING_VALUE:-fallback}")),
        ("key: $${STRING_VALUE:-${STRING_VALUE}}", string("${STRING_VALUE:-value}")),
        ("key: ${UNDEFINED_KEY:-$${UNDEFINED_KEY}}", string("${UNDEFINED_KEY:-${UNDEFINED_KEY}}")),
        ("key: ${VALUE_WITH_ESCAPE}", string("value$$")),
        ("key: a $$ b", string("a $ b")),
        ("key: a $ b", string("a $ b")),
        ("key: ${}", string("${}")),
        ("key: 1${INT_VALUE}", string("11")),
    ];
    for (text, expected) in table {
        assert_eq!(read(text).get("key"), Some(&expected), "{text}");
    }
    assert_eq!(read("${STRING_VALUE}: value").get("${STRING_VALUE}"), Some(&string("value")));
    assert_eq!(read("key: value # ${1BAD}").get("key"), Some(&string("value")));
}

#[test]
fn a_reference_to_nothing_that_can_be_a_variable_is_an_error() {
    for reference in
        ["${STRING_VALUE:?error}", "${1API_KEY}", "${API_$KEY}", "${ STRING_VALUE }", "${sys:name}", "${env:}"]
    {
        let message = failure(&format!("a: 1\nkey: x ${{INT_VALUE}} {reference}"));
        assert!(message.starts_with(&format!("line 2, column 6: {reference} is no reference")), "{message}");
    }
}

#[test]
fn scalars_have_the_types_of_the_core_schema() {
    let table = [
        ("", Value::Null),
        ("~", Value::Null),
        ("null", Value::Null),
        ("nUll", string("nUll")),
        ("True", Value::Bool(true)),
        ("FALSE", Value::Bool(false)),
        ("yes", string("yes")),
        ("0", Value::Int(0)),
        ("-12", Value::Int(-12)),
        ("+12", Value::Int(12)),
        ("007", Value::Int(7)),
        ("0o17", Value::Int(15)),
        ("0xFf", Value::Int(255)),
        ("0x-1", string("0x-1")),
        ("0xg", string("0xg")),
        ("1.0", Value::Float(1.0)),
        (".5", Value::Float(0.5)),
        ("-1e3", Value::Float(-1000.0)),
        ("9223372036854775808", Value::Float(9_223_372_036_854_775_808.0)),
        (".inf", Value::Float(f64::INFINITY)),
        ("-.INF", Value::Float(f64::NEG_INFINITY)),
        ("inf", string("inf")),
        ("nan", string("nan")),
        ("1_000", string("1_000")),
        ("1.2.3", string("1.2.3")),
        ("'1'", string("1")),
        ("!!str 1", string("1")),
        ("! 1", string("1")),
        ("!!int 1", Value::Int(1)),
        ("!!float 1", Value::Float(1.0)),
        ("!!null ''", Value::Null),
        ("|\n  a\n  b\n", string("a\nb\n")),
        (">-\n  a\n  b\n", string("a b")),
    ];
    for (text, expected) in table {
        assert_eq!(read(&format!("key: {text}")).get("key"), Some(&expected), "{text}");
    }
    assert!(matches!(read("key: .NaN").get("key"), Some(Value::Float(number)) if number.is_nan()));
}

#[test]
fn collections_aliases_and_merges() {
    let tree = read("a: &a {x: 1, y: [2, ~]}\nb: *a\nc: {<<: *a, x: 3}\nd: {x: 4, <<: [*a, {z: 5}]}\n? e\n: -1\n");
    let a = Value::Mapping(vec![
        ("x".to_owned(), Value::Int(1)),
        ("y".to_owned(), Value::Sequence(vec![Value::Int(2), Value::Null])),
    ]);
    assert_eq!(tree.get("a"), Some(&a));
    assert_eq!(tree.get("b"), Some(&a));
    assert_eq!(tree.get("c").unwrap().get("x"), Some(&Value::Int(3)));
    assert_eq!(tree.get("c").unwrap().get("y"), a.get("y"));
    assert_eq!(tree.get("d").unwrap().get("x"), Some(&Value::Int(4)));
    assert_eq!(tree.get("d").unwrap().get("z"), Some(&Value::Int(5)));
    assert_eq!(tree.get("e"), Some(&Value::Int(-1)));
    // What is filled in once is not filled in again where it is repeated.
    assert_eq!(read("a: &a $${X}\nb: *a").get("b"), Some(&string("${X}")));
    assert_eq!(read(""), Value::Null);
    assert_eq!(read("# nothing\n---\n"), Value::Null);
    assert_eq!(read("{\"file_format\":\t\"1.0\"}").get("file_format"), Some(&string("1.0")));
}

#[test]
fn what_is_no_configuration_is_refused_with_its_place() {
    for (text, message) in [
        ("a: 1\na: 2", "line 2, column 1: the key \"a\" stands here twice"),
        ("a: 1\n---\nb: 2", "line 2, column 1: a configuration is one document"),
        ("[a]: 1", "line 1, column 1: a key is text"),
        ("a: !!int x", "line 1, column 4: \"x\" is no int"),
        ("a: !!python/object x", "line 1, column 4: \"x\" is no python/object"),
        ("a: !mine x", "line 1, column 4: the tag !mine is not one of YAML's"),
        ("a: !!seq {}", "line 1, column 4: this is no seq"),
        ("a: {<<: 1}", "<< takes mappings"),
        ("a: &a [*a]", "an alias stands inside of what it names"),
        ("a: *b", ""),
        ("a: [1", ""),
        ("a: \"x", ""),
    ] {
        let found = failure(text);
        assert!(found.contains(message), "{text:?}: {found}");
        assert!(found.starts_with("line "), "{text:?}: {found}");
    }
}

#[test]
fn a_document_that_grows_or_nests_without_end_is_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb += &format!("a{level}: &a{level} [{aliases}]\n");
    }
    assert!(failure(&bomb).ends_with("more than 100000 values"));
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(&nested(64), &environment).is_ok());
    assert!(failure(&nested(65)).ends_with("deeper than 64 levels"));
    // Aliases are no way around it.
    let twice = |outer: usize| format!("- &a {}\n- {}*a{}\n", nested(40), "[".repeat(outer), "]".repeat(outer));
    assert!(parse(&twice(23), &environment).is_ok());
    assert!(failure(&twice(24)).ends_with("deeper than 64 levels"));
    assert!(parse(&nested(100_000), &environment).is_err());
    assert!(parse(&"- ".repeat(100_000), &environment).is_err());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[ -~\n\t{}\\[\\]:,&*!|>'\"#$-]{0,60}|.{0,40}") {
        let _ = parse(&text, &environment);
        let _ = substitute(&text, &environment);
    }

    #[test]
    fn text_without_dollars_stays_as_it_is(text in "[^$]{0,40}") {
        prop_assert_eq!(substitute(&text, &environment).unwrap(), text);
    }

    #[test]
    fn values_of_variables_are_taken_as_they_are(value in ".{1,40}") {
        let environment = |_: &str| Some(value.clone());
        prop_assert_eq!(substitute("<${ANY}>", &environment).unwrap(), format!("<{value}>"));
        let tree = parse("key: '${ANY}'", &environment).unwrap();
        prop_assert_eq!(tree.get("key"), Some(&Value::String(value.clone())));
    }
}
