//! Rules about names: reserved ones and ones that are given twice.

use super::{accepted, refusal};
use crate::FieldType;

#[test]
fn a_tag_is_given_once() {
    let text = "the tag 't' is specified more than once with conflicting values";
    assert_eq!(refusal("a,t=x,t=y f=1").to_string(), text);
    assert_eq!(refusal("a,t=x,t=x f=1").to_string(), text);
    assert_eq!(refusal("a,t=x,u=x,v=x,t=z f=1").to_string(), text);
    assert_eq!(
        refusal(r"a,t,k=x,t\,k=y f=1").to_string(),
        "the tag 't,k' is specified more than once with conflicting values"
    );
}

#[test]
fn a_field_is_given_once() {
    assert_eq!(refusal("a f=1,f=1").to_string(), "invalid line protocol - multiple instances of 'f' field found");
    assert_eq!(
        refusal(r"a f\,g=1,f,g=2").to_string(),
        "invalid line protocol - multiple instances of 'f,g' field found"
    );
    assert_eq!(refusal("a f=1,f=1i").to_string(), "the field 'f' is specified more than once with conflicting types");
    assert_eq!(refusal("a f=1u,f=1i").to_string(), "the field 'f' is specified more than once with conflicting types");
}

#[test]
fn a_name_is_a_tag_or_a_field() {
    for (value, field_type) in [
        ("1", FieldType::Float),
        ("1i", FieldType::Integer),
        ("1u", FieldType::UInteger),
        ("\"x\"", FieldType::String),
        ("t", FieldType::Boolean),
    ] {
        let text = refusal(&format!("a,x=b y=1,x={value}")).to_string();
        let name = field_type.as_str();
        assert_eq!(
            text,
            format!(
                "invalid column type for column 'x', expected iox::column_type::tag, \
                 got iox::column_type::field::{name}"
            )
        );
    }
    accepted("a,x=b a=1,b=2");
}

#[test]
fn time_is_reserved_for_tags_and_fields() {
    let tag = "input tag \"time\" on measurement \"m 1\" is invalid";
    let field = "invalid field name: input field \"time\" on measurement \"m 1\" is invalid";
    assert_eq!(refusal(r"m\ 1,time=a f=1").to_string(), tag);
    assert_eq!(refusal(r"m\ 1,a=b,time=a time=1").to_string(), tag);
    assert_eq!(refusal(r"m\ 1 time=1").to_string(), field);
    assert_eq!(refusal(r"m\ 1 f=1,time=1,g=2").to_string(), field);
    accepted("time,TIME=time Time=\"time\",times=1,_time=2");
}

#[test]
fn long_names_that_begin_and_end_alike_differ() {
    let fields = ["temperature_aa_celsius", "temperature_bb_celsius", "temperature_a_celsius"];
    accepted(&format!("m {}", fields.map(|name| format!("{name}=1")).join(",")));
    let text = format!("m {0}=1,{1}=1,{0}=1", fields[0], fields[1]);
    assert!(refusal(&text).to_string().contains("multiple instances of 'temperature_aa_celsius'"));
}

/// With as many names as are compared with each other, with one more, and with very many.
#[test]
fn the_last_of_many_names_is_checked_too() {
    for count in [31, 32, 33, 10_000] {
        let fields: Vec<_> = (2..count).map(|field| format!("f{field}=1")).collect();
        let line = |last: &str| format!("m,t=x {},{last}", fields.join(","));
        assert_eq!(accepted(&line("last=1i")).fields.len(), count - 1);
        assert!(refusal(&line("f2=2")).to_string().contains("multiple instances of 'f2'"), "{count}");
        assert!(refusal(&line("f2=t")).to_string().contains("conflicting types"), "{count}");
        assert!(refusal(&line("t=1")).to_string().contains("column 't'"), "{count}");
        assert!(refusal(&line("time=1")).to_string().contains("invalid field name"), "{count}");
        let tags: Vec<_> = (2..count).map(|tag| format!("t{tag}=1")).collect();
        assert!(refusal(&format!("m,{},t2=2 f=1", tags.join(","))).to_string().contains("the tag 't2'"), "{count}");
    }
}
