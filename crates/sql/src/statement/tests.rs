use super::*;
use proptest::prelude::*;

fn refuse(sql: &str) -> String {
    prepare(sql, &[], 1 << 20).unwrap_err()
}

#[test]
fn refusals_say_what_is_allowed() {
    for sql in ["drop table t", "create external table t stored as csv location 'x'", "copy t to 'x'", "reset x"] {
        assert!(refuse(sql).contains("only SELECT"), "{sql}");
    }
    assert!(refuse("select 1; select 2").contains("exactly one"));
    assert!(refuse("explain copy t to 'x'").contains("EXPLAIN"));
}

#[test]
fn changes_hidden_in_queries_are_found() {
    for sql in [
        "with x as (delete from t returning *) select * from x",
        "select * from (select 1 into t) x",
        "select (with recursive r as (select 1) select * from r)",
        "explain select 1 into t",
    ] {
        refuse(sql);
    }
}

#[test]
fn common_table_expressions_count_each_time() {
    let chain = |steps: usize, uses: &str| {
        let mut sql = "with t0 as (select 1 as n)".to_owned();
        for n in 1..=steps {
            sql += &format!(", T{n} as (select 1 as n from {})", uses.replace('#', &format!("t{}", n - 1)));
        }
        format!("{sql} select * from t{steps}")
    };
    assert!(prepare(&chain(100, "#"), &[], 1 << 20).is_ok());
    assert!(refuse(&chain(10, "# a, # b")).contains("more than 128"));
    assert!(refuse(&chain(10, "(select * from # a, # b) x")).contains("more than 128"));
    assert!(
        prepare("with a as (select 1), b as (with a as (select 2) select * from a, a x) select * from b", &[], 99)
            .is_ok()
    );
}

#[test]
fn placeholders_become_literals() {
    let parameters = [("n".to_owned(), Parameter::Integer(-1)), ("s".to_owned(), Parameter::String("it's".into()))];
    let bound = prepare("select $n, $s from t where a > $n limit 5", &parameters, 999).unwrap().to_string();
    assert_eq!(bound, "SELECT (-1), 'it''s' FROM t WHERE a > (-1) LIMIT 5");
    assert!(prepare("select $m", &parameters, 999).unwrap_err().contains("$m"));
}

proptest! {
    #[test]
    fn nothing_panics(sql in "\\PC{0,200}") {
        let _ = prepare(&sql, &[], 1 << 20);
    }

    #[test]
    fn words_of_sql_do_not_panic(words in prop::collection::vec(prop::sample::select(vec![
        "select", "from", "t", "where", "(", ")", ",", "with", "as", "union", "all", "1", "'x'", "$p", "case", "when",
        "then", "end", "explain", "analyze", "values", "insert", "into", "group", "by", "cube", "over", "[", "]", "::",
        "int", "interval", "not", "in", "exists", "*", "||", "->", "=", ";", "lateral", "unnest", "order", "limit",
    ]), 0..40)) {
        let _ = prepare(&words.join(" "), &[("p".to_owned(), Parameter::Null)], 1 << 20);
    }

    #[test]
    fn strings_stay_literals(value in any::<String>()) {
        let parameters = [("p".to_owned(), Parameter::String(value.clone()))];
        let bound = format!("{:?}", prepare("select $p", &parameters, 1 << 20).unwrap());
        let literal = format!("SingleQuotedString({value:?})");
        prop_assert!(bound.contains(&literal), "{} in {}", literal, bound);
    }
}
