use parking_lot::Mutex;
use proptest::prelude::*;

use super::*;
use crate::prepare::{Prepared, prepare};
use crate::series::SeriesHasher;
use crate::tests::support::{database, request};
use crate::tests::tables::{Tables, table};

/// Tables with ids of one, two and nine bytes.
fn tables() -> Tables {
    let tables = Tables::default();
    for (id, name) in [(1, "m"), (300, "n"), (i64::MAX, "o")] {
        tables.insert(table(id, database().id, name, None, 1000));
    }
    tables
}

fn prepared(body: &str) -> Prepared {
    let prepared = prepare(&request(body), &tables(), &Mutex::default(), &SeriesHasher::default()).unwrap();
    assert!(prepared.rejected.is_empty(), "{:?}", prepared.rejected);
    prepared
}

fn assert_round_trip(body: &str) {
    let prepared = prepared(body);
    let decoded = decode(&prepared.payload).unwrap();
    assert_eq!(decoded.database, database().id);
    let written: Vec<(TableId, &Chunk)> =
        prepared.tables.iter().flat_map(|rows| rows.chunks.iter().map(|(chunk, _)| (rows.table.id, chunk))).collect();
    assert_eq!(decoded.chunks.len(), written.len());
    for ((table, chunk), (id, written)) in decoded.chunks.iter().zip(written) {
        assert_eq!(*table, LoggedTable::Id(id));
        assert_eq!(chunk.schema().columns(), written.schema().columns());
        assert_eq!(chunk.columns(), written.columns());
    }
}

const MIXED: &str = "m,t=a f=1,i=-1i,u=1u,b=t,s=\"x\" 1\nm f=-0.0 2\nm,t=b s=\"\",b=f -3\nn,ü=ß 名=1i";

#[test]
fn every_type_and_nulls_round_trip() {
    assert_round_trip(MIXED);
}

#[test]
fn dictionaries_of_every_key_width_round_trip() {
    for count in [1, 256, 257, 8_192] {
        let body: String = (0..count).map(|n| format!("m,t=v{n} f={n} {n}\n")).collect();
        assert_round_trip(&body);
    }
    assert_eq!([key_width(256), key_width(257), key_width(65_536), key_width(65_537)], [1, 2, 2, 4]);
}

#[test]
fn a_payload_cut_anywhere_is_refused() {
    let payload = prepared(MIXED).payload;
    for cut in 0..payload.len() {
        assert!(decode(&payload[..cut]).is_err(), "cut at {cut}");
    }
    let longer = [&payload[..], &[0]].concat();
    assert_eq!(decode(&longer).unwrap_err(), DecodeError::Invalid("bytes behind its end"));
    assert_eq!(decode(&[0]).unwrap_err(), DecodeError::Version(0));
    assert_eq!(decode(&[3]).unwrap_err(), DecodeError::Version(3));
}

/// Lines with whichever of the fields and tags, of three tables.
fn body() -> impl Strategy<Value = String> {
    let table = proptest::sample::select(vec!["m", "n", "o"]);
    let tags = proptest::sample::subsequence(vec![",s=a", ",t=b", ",u=ß"], 0..=3);
    let number = any::<i64>();
    let text = "[a-z\u{e4}\u{1f980} ]{0,9}";
    let fields = (number, text, any::<bool>()).prop_map(|(number, text, yes)| {
        let unsigned = number.unsigned_abs();
        [
            format!("b={yes}"),
            format!("f={number}.5"),
            format!("i={number}i"),
            format!("k={unsigned}u"),
            format!("x=\"{text}\""),
        ]
    });
    let line = (table, tags, fields, proptest::sample::subsequence(vec![0, 1, 2, 3, 4], 1..=5), any::<i32>());
    let line = line.prop_map(|(table, tags, fields, kept, time)| {
        let fields: Vec<&str> = kept.into_iter().map(|at: usize| fields[at].as_str()).collect();
        format!("{table}{} {} {time}\n", tags.concat(), fields.join(","))
    });
    proptest::collection::vec(line, 1..60).prop_map(|lines| lines.concat())
}

#[test]
fn records_of_the_first_version_hold_names() {
    let payload = b"\x01\x07\x01\x02\xc3\xa4\x01\x01\x04time\x00\x00\x2a\0\0\0\0\0\0\0";
    let decoded = decode(payload).unwrap();
    assert_eq!(decoded.database, DatabaseId::new(7).unwrap());
    let [(table, chunk)] = &decoded.chunks[..] else { panic!("{decoded:?}") };
    assert_eq!((table, chunk.times()), (&LoggedTable::Name("ä".into()), &[42][..]));
}

#[test]
fn ids_out_of_range_are_refused() {
    let out_of_range = DecodeError::Invalid("an id out of range");
    for payload in [&b"\x02\x00\x00"[..], b"\x02\x01\x01\x00", b"\x02\x01\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"]
    {
        assert_eq!(decode(payload).unwrap_err(), out_of_range, "{payload:?}");
    }
}

proptest! {
    #[test]
    fn any_rows_round_trip(body in body()) {
        assert_round_trip(&body);
    }

    /// Checksums keep such bytes away; should they come through, they must do no harm.
    #[test]
    fn no_bytes_make_decoding_panic(at in any::<prop::sample::Index>(), value in any::<u8>(), tail in any::<Vec<u8>>()) {
        let mut payload = prepared(MIXED).payload;
        let at = at.index(payload.len());
        payload[at] = value;
        let _either = decode(&payload);
        payload.truncate(at);
        payload.extend(tail);
        let _either = decode(&payload);
    }
}
