use proptest::prelude::*;

use super::*;

fn root() -> Command {
    let flags = vec![
        Flag::text("id", "the id").short("i").required(),
        Flag::text("token", "the token").short("t").variable("X_TOKEN"),
        Flag::texts("read-bucket", "a bucket"),
        Flag::switch("json", "as JSON").variable("X_JSON"),
        Flag::number("limit", "how many"),
        Flag::text("read-users", "users").also("read-user"),
    ];
    let list = Command::leaf("list", "List them", Action::AuthList, flags).aliases(&["ls"]);
    let show = Command::leaf("show", "Show one", Action::ConfigShow, Vec::new()).arguments("[name]");
    Command::group("influx", "Test", vec![Command::group("auth", "Tokens", vec![list, show])])
}

fn with_variables(words: &[&str], variables: &[(&str, &str)]) -> Result<Parsed, Ended> {
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    let variables = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
    parse(&root(), &words, &Environment { variables, current_dir: "/".into() })
}

fn given(words: &[&str]) -> Given {
    match with_variables(&[&["auth", "list", "-i", "1"], words].concat(), &[]) {
        Ok(parsed) => parsed.given,
        Err(ended) => panic!("{}", reason(ended)),
    }
}

fn reason(ended: Ended) -> String {
    match ended {
        Ended::Help(text) => panic!("help: {text}"),
        Ended::Wrong { reason, .. } => reason,
    }
}

fn refused(words: &[&str]) -> String {
    with_variables(words, &[]).err().map(reason).unwrap()
}

#[test]
fn all_forms_of_a_flag_are_one() {
    for words in
        [&["-token", "x"][..], &["--token", "x"], &["-t=x"], &["--t", "x"], &["-token=x"], &["-t", "y", "-t", "x"]]
    {
        assert_eq!(given(words).text("token"), Some("x"), "{words:?}");
    }
    assert_eq!(given(&["--read-user", "x"]).text("read-users"), Some("x"));
    assert_eq!(given(&["--token=a=b"]).text("token"), Some("a=b"));
}

#[test]
fn a_value_may_look_like_a_flag() {
    let parsed = with_variables(&["auth", "list", "-i", "1", "-t", "-abc", "--json"], &[]).ok().unwrap();
    assert_eq!(parsed.given.text("token"), Some("-abc"));
    assert!(parsed.given.switch("json"));
    assert!(parsed.warnings.len() == 1 && !parsed.warnings[0].contains("abc"), "{:?}", parsed.warnings);
}

#[test]
fn switches_and_repeated_flags() {
    assert!(given(&["--json"]).switch("json"));
    assert!(given(&["--json=t"]).switch("json"));
    assert!(!given(&["--json", "--json=false"]).switch("json"));
    assert!(!given(&[]).switch("json"));
    assert_eq!(given(&["--read-bucket", "a", "--read-bucket=b"]).texts("read-bucket"), ["a", "b"]);
    assert_eq!(given(&["--limit", "7"]).number("limit"), Some(7));
}

#[test]
fn flags_end_at_the_first_argument() {
    for words in [&["auth", "show", "x", "--json"][..], &["auth", "show", "--", "x", "--json"]] {
        let parsed = with_variables(words, &[]).ok().unwrap();
        assert_eq!(parsed.given.arguments, ["x", "--json"]);
    }
    assert_eq!(with_variables(&["auth", "show", "-"], &[]).ok().unwrap().given.arguments, ["-"]);
}

#[test]
fn what_is_wrong_is_told_in_the_known_words() {
    let cases: &[(&[&str], &str)] = &[
        (&["auth", "list", "-x"], "flag provided but not defined: -x"),
        (&["auth", "list", "-tj"], "flag provided but not defined: -tj"),
        (&["auth", "-t", "x", "list"], "flag provided but not defined: -t"),
        (&["-t", "x", "auth", "list"], "flag provided but not defined: -t"),
        (&["auth", "list", "--id"], "flag needs an argument: -id"),
        (&["auth", "list"], "Required flag \"id\" not set"),
        (&["auth", "list", "-i", "1", "extra"], "unknown command \"extra\" for \"list\""),
        (&["auth", "ls", "-i", "1", "extra"], "unknown command \"extra\" for \"list\""),
        (&["auth", "bogus"], "unknown command \"bogus\" for \"influx auth\""),
        (&["bogus"], "unknown command \"bogus\" for \"influx\""),
        (&["auth", "list", "---id", "1"], "bad flag syntax: ---id"),
        (&["auth", "list", "--=1"], "bad flag syntax: --=1"),
        (&["auth", "list", "--json=maybe"], "invalid boolean value \"maybe\" for -json: parse error"),
        (&["auth", "list", "--limit", "-1"], "invalid value \"-1\" for flag -limit: parse error"),
        (&["help", "bogus"], "No help topic for 'bogus'"),
    ];
    for (words, expected) in cases {
        assert_eq!(refused(words), *expected, "{words:?}");
    }
}

#[test]
fn wrong_flags_show_help_and_stray_words_do_not() {
    let help_with = |words: &[&str]| match with_variables(words, &[]) {
        Err(Ended::Wrong { help, .. }) => help,
        _ => panic!("{words:?}"),
    };
    let help = help_with(&["auth", "list", "-x"]);
    assert!(help.starts_with("Incorrect Usage: flag provided but not defined: -x\n\nList them\n"), "{help}");
    assert!(help_with(&["auth", "list"]).starts_with("List them\n"));
    assert_eq!(help_with(&["auth", "bogus"]), "");
}

#[test]
fn help_is_shown_on_request_and_for_groups() {
    for words in
        [&[][..], &["auth"], &["help"], &["h"], &["auth", "-h"], &["auth", "list", "--help"], &["help", "auth"]]
    {
        assert!(matches!(with_variables(words, &[]), Err(Ended::Help(_))), "{words:?}");
    }
}

#[test]
fn the_line_wins_over_the_environment_and_empty_counts() {
    let line = ["auth", "list", "-i", "1"];
    let token = |variables: &[(&str, &str)]| {
        with_variables(&line, variables).ok().unwrap().given.value("token").map(str::to_owned)
    };
    assert_eq!(token(&[("X_TOKEN", "env")]).as_deref(), Some("env"));
    assert_eq!(token(&[("X_TOKEN", "")]).as_deref(), Some(""));
    assert_eq!(token(&[]), None);
    let both = with_variables(&["auth", "list", "-i", "1", "-t", "line"], &[("X_TOKEN", "env")]).ok().unwrap();
    assert_eq!(both.given.text("token"), Some("line"));
}

#[test]
fn switches_in_the_environment_must_be_readable() {
    let line = ["auth", "list", "-i", "1"];
    for (value, expected) in [("1", true), ("true", true), ("f", false), ("", false)] {
        let parsed = with_variables(&line, &[("X_JSON", value)]).ok().unwrap();
        assert_eq!(parsed.given.switch("json"), expected, "{value}");
    }
    let reason = with_variables(&line, &[("X_JSON", "maybe")]).err().map(reason).unwrap();
    assert_eq!(reason, "X_JSON: invalid boolean value \"maybe\" for -json: parse error");
}

proptest! {
    #[test]
    fn no_line_makes_it_panic(words in proptest::collection::vec("-{0,3}(auth|list|show|id|t|json|x|=|ü)?(=.{0,3})?", 0..6)) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let _ = with_variables(&words, &[]);
    }
}
