//! Long hostile statements.

use crate::cases::End::{self, Answered, FineOrLimit, Invalid, Limit};

/// Statements that are long, deep, or double something with each step.
pub(crate) fn generated() -> Vec<(String, End)> {
    let chain = |first: &str, step: &str, steps: usize, last: &str| {
        let mut sql = format!("with t0 as ({first})");
        for n in 1..=steps {
            sql.push_str(&format!(", t{n} as ({})", step.replace("PREV", &format!("t{}", n - 1))));
        }
        sql + &last.replace("LAST", &format!("t{steps}"))
    };
    vec![
        (chain("select 'xy' as s", "select s || s as s from PREV", 30, " select length(s) from LAST"), Limit("")),
        (chain("select note as s from cpu", "select s || s as s from PREV", 30, " select s from LAST"), Limit("")),
        (
            chain("select note as s from cpu", "select concat(s, s) as s from PREV", 30, " select s from LAST"),
            Limit(""),
        ),
        (chain("select 'xy' as s", "select concat(s, s) as s from PREV", 30, " select s from LAST"), Limit("")),
        (chain("select 'xy' as s", "select concat_ws(s, s, s) as s from PREV", 30, " select s from LAST"), Limit("")),
        (chain("select 'xy' as s", "select replace(s, 'x', s) as s from PREV", 30, " select s from LAST"), Limit("")),
        (chain("select [1] as s", "select array_concat(s, s) as s from PREV", 30, " select s from LAST"), Limit("")),
        (chain("select [1] as s", "select make_array(s, s) as s from PREV", 30, " select s from LAST"), Limit("")),
        (chain("select [1] as s", "select s || s as s from PREV", 30, " select s from LAST"), Limit("")),
        (
            chain("select a as s from big", "select s + s as s from PREV", 60, " select s from LAST where s > 5"),
            Limit(""),
        ),
        (
            chain(
                "select a as s from big",
                "select case when s > 0 then s + s else s end as s from PREV",
                60,
                " select s from LAST order by s",
            ),
            Limit(""),
        ),
        (
            chain("select 1 as s", "select 1 as s from PREV a, PREV b", 40, " select count(*) from LAST"),
            Invalid("more than 128"),
        ),
        (
            chain("select 1 as s", "select * from PREV union all select * from PREV", 40, " select count(*) from LAST"),
            Invalid("more than 128"),
        ),
        (
            chain(
                "select 1 as s",
                "select (select max(s) from PREV) + (select min(s) from PREV) as s",
                40,
                " select s from LAST",
            ),
            Invalid("more than 128"),
        ),
        (format!("select {}1", "1+".repeat(100_000)), Invalid("")),
        (format!("select {}1", "1+".repeat(4_000)), Invalid("operators in a row")),
        (format!("select {}1{}", "(".repeat(5_000), ")".repeat(5_000)), Invalid("")),
        (format!("select {}1{}", "(".repeat(300), ")".repeat(300)), Invalid("")),
        (format!("select {}[1]{}", "[".repeat(300), "]".repeat(300)), Invalid("")),
        (format!("select {} true", "not ".repeat(2_000)), Invalid("")),
        (format!("select {}1", "- ".repeat(2_000)), Invalid("")),
        (format!("select 1{}", "::int".repeat(2_000)), Invalid("operators in a row")),
        (format!("select {}1{}", "abs(".repeat(300), ")".repeat(300)), Invalid("")),
        (format!("{}select 1{}", "select * from (".repeat(200), ")".repeat(200)), Invalid("")),
        (
            format!(
                "select count(*) from big where {}",
                (0..700).map(|n| format!("a = {n}")).collect::<Vec<_>>().join(" or ")
            ),
            FineOrLimit,
        ),
        (
            format!(
                "select count(*) from big where {}",
                (0..1_000).map(|n| format!("a % {n}1 = b")).collect::<Vec<_>>().join(" or ")
            ),
            Invalid("operators in a row"),
        ),
        (
            format!(
                "select count(*) from big where {}",
                (0..450).map(|n| format!("a + {n} = b")).collect::<Vec<_>>().join(" or ")
            ),
            FineOrLimit,
        ),
        (
            format!(
                "select count(*) from big where a in ({})",
                (0..25_000).map(|n| n.to_string()).collect::<Vec<_>>().join(",")
            ),
            FineOrLimit,
        ),
        (
            format!(
                "select count(*) from big where a in ({})",
                (0..25_000).map(|n| format!("b + {n}")).collect::<Vec<_>>().join(",")
            ),
            Invalid(""),
        ),
        (format!("select {}", vec!["a"; 25_000].join(",")) + " from big", Invalid("")),
        (
            format!("select {}", (0..8_000).map(|n| format!("a as a{n}")).collect::<Vec<_>>().join(",")) + " from big",
            Invalid("columns"),
        ),
        (
            format!("select {}", (0..4_000).map(|n| format!("a as a{n}")).collect::<Vec<_>>().join(",")) + " from big",
            FineOrLimit,
        ),
        (
            format!(
                "select count(*) from big order by {}",
                (0..200).map(|n| format!("a + {n}")).collect::<Vec<_>>().join(",")
            ),
            Answered,
        ),
        (
            format!(
                "select {}",
                (0..3_000).map(|n| format!("repeat('ab', cast(a as int)) as a{n}")).collect::<Vec<_>>().join(",")
            ) + " from big",
            Limit(""),
        ),
        (format!("values {}", vec!["(1)"; 14_000].join(",")), FineOrLimit),
        (format!("select {}1 from big", "a + ".repeat(1_400)), FineOrLimit),
        (format!("select {}note from cpu", "note || ".repeat(1_400)), FineOrLimit),
        (format!("select 1{}", "::int".repeat(700)), FineOrLimit),
        (format!("select a{} from big", " is null".repeat(700)), FineOrLimit),
        (format!("select {}true from big", "a < 5 and b > 1 or ".repeat(300)), FineOrLimit),
        (format!("select a from big where {}true", "(a < 5 or b > 1) and ".repeat(300)), FineOrLimit),
        (format!("select [[1]]{}", "[1]".repeat(1_000)), Invalid("")),
        (format!("select note{} from cpu", " like 'x'".repeat(1_000)), Invalid("")),
        (
            format!("select {}a from big", "(a + ".repeat(20) + &"a * ".repeat(2_000) + &"a)".repeat(20) + " + "),
            Invalid(""),
        ),
        (
            format!(
                "select a from big order by {}",
                (0..2_000).map(|n| format!("a + {n}")).collect::<Vec<_>>().join(",")
            ),
            Limit("ORDER BY"),
        ),
        (
            format!(
                "select count(*) from big group by {}",
                (0..1_000).map(|n| format!("a % {}", n + 2)).collect::<Vec<_>>().join(",")
            ),
            Limit("GROUP BY"),
        ),
        (
            format!(
                "select {} from big",
                (0..1_000).map(|n| format!("sum(a + {n}) as s{n}")).collect::<Vec<_>>().join(",")
            ),
            FineOrLimit,
        ),
        (
            format!(
                "select {} from big",
                (0..300).map(|n| format!("sum(a) over (order by b, a + {n}) as s{n}")).collect::<Vec<_>>().join(",")
            ),
            FineOrLimit,
        ),
        (format!("select 1{}", " union all select 1".repeat(450)), FineOrLimit),
        (format!("select count(*) from {}", vec!["big"; 200].join(",")), Invalid("more than 128")),
        (
            format!("select count(*) from {}", (0..100).map(|n| format!("big b{n}")).collect::<Vec<_>>().join(",")),
            Limit(""),
        ),
        (format!("select '{}' from big", "x".repeat(200_000)), FineOrLimit),
        (
            format!(
                "with c as (select '{}' as s, a from big) select {} from c",
                "x".repeat(60_000),
                (0..1_000).map(|n| format!("s as s{n}")).collect::<Vec<_>>().join(",")
            ),
            Limit(""),
        ),
        (format!("select '{}'", "x".repeat(300_000)), Invalid("at most")),
        (
            format!(
                "select case {} end from big",
                (0..2_000).map(|n| format!("when a = {n} then {n}")).collect::<Vec<_>>().join(" ")
            ),
            Invalid(""),
        ),
        (
            format!(
                "select case {} end from big",
                (0..300).map(|n| format!("when a = {n} then {n}")).collect::<Vec<_>>().join(" ")
            ),
            FineOrLimit,
        ),
    ]
}
