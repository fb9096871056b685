//! Throughput of splitting and parsing.

use std::fmt::Write;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tidegate_line_protocol::{Line, lines, parse};

const LINES: usize = 5_000;

/// Two tags and ten floats, as a collector of host metrics writes them.
fn floats() -> String {
    let mut body = String::new();
    for line in 0..LINES {
        let _ = write!(body, "cpu,host=host_{},region=r{} ", line % 100, line % 4);
        for field in 0..10 {
            let comma = if field == 0 { "" } else { "," };
            let value = (line * 7919 + field * 104_729) % 1_000_000_007;
            let _ = write!(body, "{comma}f{field}={}.{value:010}", value % 997);
        }
        let _ = writeln!(body, " {}", 1_700_000_000_000_000_000_u64 + line as u64);
    }
    body
}

/// Every type, escapes and quoted strings.
fn mixed() -> String {
    let mut body = String::new();
    for line in 0..LINES {
        let _ = writeln!(
            body,
            r#"http\ requests,host=h{},path=/a\,b status={}i,bytes={}u,ok=true,agent="Client \"{line}\" (x64)" {}"#,
            line % 100,
            line % 600,
            line * 31,
            1_700_000_000_000_000_000_u64 + line as u64,
        );
    }
    body
}

/// One line with ten thousand fields.
fn wide() -> String {
    let fields: Vec<String> = (0..10_000).map(|field| format!("field_{field}={field}i")).collect();
    format!("wide {} 1\n", fields.join(","))
}

fn parse_body(body: &str) -> usize {
    let mut line = Line::default();
    lines(body).filter(|raw| parse(black_box(raw.text), &mut line).is_ok()).count()
}

fn parsing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    for (name, body, expected) in [("floats", floats(), LINES), ("mixed", mixed(), LINES), ("wide", wide(), 1)] {
        assert_eq!(parse_body(&body), expected, "{name}");
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| parse_body(&body)));
    }
    group.finish();
}

criterion_group!(benches, parsing);
criterion_main!(benches);
