//! x
mod common;
use common::{count, query};
use tidegate_sql::{QueryLimits, QueryRuntime};
#[tokio::test]
async fn scratch() {
    let rt = QueryRuntime::start(QueryLimits { threads: 2, time: std::time::Duration::from_secs(100), ..Default::default() }).unwrap();
    for n in [100, 200, 400, 800] {
        for (name, sql) in [
            ("+", format!("select {}1 from big limit 1", "a + ".repeat(n))),
            ("||", format!("select {}note from cpu", "note || ".repeat(n))),
            ("or", format!("select count(*) from big where {}true and a = 1", "a = b or ".repeat(n/2))),
            ("cast", format!("select 1{}", "::int".repeat(n))),
            ("union", format!("select 1{}", " union all select 1".repeat(n/3))),
            ("group", format!("select count(*) from cpu group by {}", (0..n).map(|n| format!("usage + {n}")).collect::<Vec<_>>().join(","))),
            ("sum", format!("select {} from cpu", (0..n).map(|n| format!("sum(usage + {n}) as s{n}")).collect::<Vec<_>>().join(","))),
            ("cols", format!("select {} from cpu", (0..n).map(|n| format!("usage + {n} as s{n}")).collect::<Vec<_>>().join(","))),
            ("window", format!("select {} from cpu", (0..n/4).map(|n| format!("sum(usage) over (order by usage + {n}) as s{n}")).collect::<Vec<_>>().join(","))),
        ] {
            let t = std::time::Instant::now();
            let r = count(&rt, query(&sql)).await;
            eprintln!("{n} {name} {} ms {:?}", t.elapsed().as_millis(), r.map_err(|e| e.to_string().chars().take(60).collect::<String>()));
        }
    }
}
