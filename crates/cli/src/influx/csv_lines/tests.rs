use proptest::prelude::*;

use super::*;

fn options() -> CsvOptions {
    CsvOptions { headers: Vec::new(), skipped_lines: 0, precision: Precision::Nanoseconds }
}

fn all(text: &str, options: CsvOptions) -> Result<Vec<Result<String, String>>, String> {
    let mut lines = CsvLines::new(Box::new(Cursor::new(text.to_owned())), options).unwrap();
    let mut found = Vec::new();
    while let Some(line) = lines.next()? {
        found.push(line.map(|line| String::from_utf8(line.to_vec()).unwrap()).map_err(|bad| bad.reason));
    }
    Ok(found)
}

fn lines(text: &str) -> Vec<String> {
    all(text, options()).unwrap().into_iter().map(Result::unwrap).collect()
}

fn refused(text: &str) -> String {
    match all(text, options()) {
        Err(reason) => reason,
        Ok(rows) => rows.into_iter().find_map(Result::err).unwrap(),
    }
}

#[test]
fn every_type_of_column() {
    let text = "#datatype measurement,tag,double,long,unsignedLong,boolean,string,ignored,dateTime:RFC3339\n\
                m,host name,d,l,u,b,s,x,time\n\
                c p,a=1,-1.5e3,-2,3,y,\"say \"\"hi\"\" \\\",zzz,2026-03-09T12:00:00.000000001Z\n\
                cpu,,1,,,,,,\n";
    assert_eq!(
        lines(text),
        [
            "c\\ p,host\\ name=a\\=1 d=-1.5e3,l=-2i,u=3u,b=true,s=\"say \\\"hi\\\" \\\\\" 1773057600000000001\n",
            "cpu d=1\n",
        ]
    );
}

#[test]
fn names_can_hold_type_and_default() {
    assert_eq!(
        lines("m|measurement|cpu,host|tag|a,v|long,t|time\n,,1,5\nmem,b,2,1970-01-01T00:00:01Z\n"),
        ["cpu,host=a v=1i 5\n", "mem,host=b v=2i 1000000000\n"]
    );
}

#[test]
fn constants_defaults_and_several_tables() {
    let text = "#constant,measurement,cpu\n#constant,tag,host,a\n#datatype long,time\n#default 7,\nv,t\n,1\n\n\
                # a comment\n#datatype measurement,string\nm,s\nlog,x\n";
    assert_eq!(lines(text), ["cpu,host=a v=7i 1\n", "log s=\"x\"\n"]);
}

#[test]
fn the_answer_of_a_query_can_be_written() {
    let text = "#group,false,false,true,true,false,false,true,true,true\r\n\
        #datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,string,string,string\r\n\
        #default,_result,,,,,,,,\r\n\
        ,result,table,_start,_stop,_time,_value,_field,_measurement,line\r\n\
        ,,0,2026-03-01T00:00:00Z,2026-03-02T00:00:00Z,1970-01-01T00:00:00.25Z,4.5,bar,press,L1\r\n";
    assert_eq!(lines(text), ["press,line=L1 bar=4.5 250000000\n"]);
}

#[test]
fn times_follow_the_precision_and_numbers_stay() {
    let text = "m|measurement,v|long,t|dateTime\na,1,1970-01-01T00:00:02Z\na,1,7\n";
    let seconds = CsvOptions { precision: Precision::Seconds, ..options() };
    let lines: Vec<String> = all(text, seconds).unwrap().into_iter().map(Result::unwrap).collect();
    assert_eq!(lines, ["a v=1i 2\n", "a v=1i 7\n"]);
}

#[test]
fn headers_are_put_first_and_lines_left_out() {
    let options = CsvOptions { headers: vec!["m|measurement,v|long".to_owned()], skipped_lines: 2, ..options() };
    assert_eq!(all("x,y\n\"odd\na,1\n", options.clone()).unwrap(), [Ok("a v=1i\n".to_owned())]);
    assert_eq!(all("x\n", options).unwrap(), []);
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let cases = [
        ("a,b\n1,2\n", "line 1: no column holds the measurement"),
        ("m|measurement,v|float\n", "line 1: column \"v\": the type \"float\" is not supported"),
        ("m|measurement,v|long\na,1.5\n", "line 2: column \"v\": \"1.5\" is not a whole number"),
        ("m|measurement,v|double\na,NaN\n", "line 2: column \"v\": \"NaN\" is not a number"),
        ("m|measurement,v|boolean\na,maybe\n", "line 2: column \"v\": \"maybe\" is not true or false"),
        ("m|measurement,v|long\n,1\n", "line 2: the row has no measurement"),
        ("m|measurement,v|long\na,\n", "line 2: the row has no field"),
        ("m|measurement,g|tag,v|long\na,\"x\ny\",1\n", "line 2: \"x\\ny\" cannot be a key or tag"),
        ("#timezone,+0100\n", "line 1: #timezone is not supported"),
        ("#constant,tag\n", "line 1: #constant needs a type, a name and a value"),
    ];
    for (text, expected) in cases {
        let reason = refused(text);
        assert!(reason.starts_with(expected), "{text}: {reason}");
    }
}

#[test]
fn rows_after_a_bad_one_can_be_read() {
    let rows = all("m|measurement,v|long\na,x\nb,2\n", options()).unwrap();
    assert!(rows[0].is_err());
    assert_eq!(rows[1], Ok("b v=2i\n".to_owned()));
}

proptest! {
    /// Whatever cells hold, a row is one line that begins with its measurement.
    #[test]
    fn no_cell_breaks_out_of_its_line(tag in "\\PC{0,8}", text in "[^\n\r]{1,8}") {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["m|measurement", "g|tag", "s|string"]).unwrap();
        writer.write_record(["a", &tag, &text]).unwrap();
        let csv = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        if let Ok(line) = &all(&csv, options()).unwrap()[0] {
            prop_assert!(line.starts_with('a') && line.ends_with("\"\n") && line.matches('\n').count() == 1, "{}", line);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[#a-z|,\"\n ]{0,40}") {
        let _ = all(&text, options());
    }
}
