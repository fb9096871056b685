"""A reader that shares no code with the server opens its Parquet answers."""

import io

import pyarrow
import pyarrow.compute
import pyarrow.parquet


def table(server, database, query):
    token_id, token = server.create_token(("read", database))
    answer = server.query(database, query, token, "parquet")
    server.revoke_token(token_id)
    return pyarrow.parquet.read_table(io.BytesIO(answer))


def write(server, database, lines):
    _, token = server.create_token(("write", database))
    server.write(database, lines, token)


def test_rows_of_every_type(server, database):
    write(server, database, 'press,line=L1 f=20,i=-3i,u=18446744073709551615u,b=true,s="a, b" 1700000000000000001\n')
    write(server, database, "press f=0.5 1700000001000000000\n")
    rows = table(server, database, "SELECT time, line, f, i, u, b, s FROM press ORDER BY time")
    types = {field.name: str(field.type) for field in rows.schema}
    assert types == {
        "time": "timestamp[ns]", "line": "string", "f": "double", "i": "int64", "u": "uint64", "b": "bool", "s": "string"
    }
    assert rows.drop_columns("time").to_pylist() == [
        {"line": "L1", "f": 20.0, "i": -3, "u": 2**64 - 1, "b": True, "s": "a, b"},
        {"line": None, "f": 0.5, "i": None, "u": None, "b": None, "s": None},
    ]
    assert rows["time"].cast(pyarrow.int64()).to_pylist() == [1_700_000_000_000_000_001, 1_700_000_001_000_000_000]


def test_no_rows_are_a_file_with_the_columns(server, database):
    write(server, database, "press,line=L1 f=1 1\n")
    rows = table(server, database, "SELECT line, f FROM press WHERE f > 7")
    assert (rows.num_rows, rows.column_names) == (0, ["line", "f"])


def test_a_long_result_is_one_file_of_several_row_groups(server, database):
    token_id, token = server.create_token(("read", database))
    query = "SELECT value, value * 104729 AS b, -value AS c FROM generate_series(1, 1000000)"
    answer = server.query(database, query, token, "parquet")
    server.revoke_token(token_id)
    file = pyarrow.parquet.ParquetFile(io.BytesIO(answer))
    assert file.num_row_groups > 1 and file.metadata.num_rows == 1_000_000
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    assert pyarrow.compute.sum(file.read()["value"]).as_py() == 1_000_000 * 1_000_001 // 2
