//! Rows, arrays and maps: types, mistakes, and what of them is decoded.

use super::*;
use crate::expr::DataType;

const NESTED: &str = "\
CREATE TABLE r (id INT, r ROW<a INT, b ROW<c STRING, d INT>>, l ARRAY<INT>, m MAP<STRING, INT>)
  WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'json');
";

fn tables() -> String {
    NESTED.to_owned() + "CREATE TABLE x (k STRING) WITH ('connector' = 'kafka', 'topic' = 'x', 'format' = 'json');\n"
}

#[test]
fn mistakes_in_nested_values() {
    for (select, message, hint) in [
        ("r.«z»", "there is no field z in ROW<`a` INT, `b` ROW<`c` STRING, `d` INT>>", "there is a, b"),
        ("r.b.«cc»", "there is no field cc in ROW<`c` STRING, `d` INT>", "did you mean c?"),
        ("r.a.«b»", "INT has no field b: only a ROW has fields", ""),
        ("l[«0»]", "the elements of an array are counted from 1", ""),
        ("l[«'a'»]", "an array is looked into by an integer, found STRING", ""),
        ("m[«1»]", "a key of MAP<STRING, INT> is wanted, found INT", "CAST it"),
        ("«id»[1]", "INT cannot be looked into with []: only an ARRAY or a MAP can", ""),
        (
            "ARRAY[id, «r»]",
            "the elements of ARRAY are INT and ROW<`a` INT, `b` ROW<`c` STRING, `d` INT>>, which have no common type",
            "CAST one of them",
        ),
        ("«MAP»['a']", "MAP takes keys and values in turn, there are 1 parts", "write MAP['a', 1, 'b', 2]"),
        ("«l» < l", "< needs values that have an order, found ARRAY<INT>", ""),
        ("CARDINALITY(«id»)", "CARDINALITY needs an ARRAY or a MAP here, found INT", "write CARDINALITY(array or map)"),
        (
            "«ARRAY_CONTAINS»(l, 'a')",
            "the arguments of ARRAY_CONTAINS have no common type: INT, STRING",
            "CAST one of them",
        ),
        ("CAST(id AS «ARRAY<INT>»)", "INT cannot be cast to ARRAY<INT>", ""),
        ("«nope.r».a", "there is no table nope in FROM", "there is r"),
    ] {
        let error = mistake(&format!("{}INSERT INTO x SELECT CAST({select} AS STRING) FROM r", tables()));
        assert_eq!((error.message.as_str(), error.hint.as_deref().unwrap_or("")), (message, hint), "{select}");
    }
    let columns = |columns: &str, format: &str| {
        let text =
            format!("CREATE TABLE {columns} WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = '{format}');");
        mistake(&text).message
    };
    assert_eq!(
        columns("«y» (q ARRAY<MAP<INT, INT>>)", "json"),
        "the 'json' format has no form for maps whose keys are INT; q is ARRAY<MAP<INT, INT>>"
    );
    assert_eq!(columns("«y» (q ARRAY<INT>)", "csv"), "the 'csv' format has no form for q, which is ARRAY<INT>");
    assert_eq!(columns("«y» (q ROW<a INT>)", "raw"), "the 'raw' format has no form for q, which is ROW<`a` INT>");
    assert!(columns("y (q ARRAY«,» b INT)", "json").starts_with("expected < after ARRAY"));
    assert!(columns("y (q ROW<a INT, «a» INT>)", "json").contains("the row has two fields a"));
}

#[test]
fn only_the_fields_that_are_needed_are_decoded() {
    let decoded = |select: &str| {
        let text = format!("{}INSERT INTO x SELECT {select} FROM r", tables());
        let source = plan(&text).unwrap_or_else(|error| panic!("{error}")).pipelines.remove(0).source;
        source.decoded().iter().map(|column| column.data_type.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(decoded("r.b.c"), ["ROW<`a` NULL, `b` ROW<`c` STRING, `d` INT>>"]);
    assert_eq!(decoded("CAST(r.a + r.a AS STRING)"), ["ROW<`a` INT, `b` NULL>"]);
    assert_eq!(decoded("CAST(r AS STRING) || CAST(r.a AS STRING)"), ["ROW<`a` INT, `b` ROW<`c` STRING, `d` INT>>"]);
}

#[test]
fn types_of_nested_values() {
    let result = |select: &str| {
        let text = format!("{}INSERT INTO x SELECT JSON_STRING({select}) FROM r", tables());
        let pipeline = plan(&text).unwrap_or_else(|error| panic!("{error}")).pipelines.remove(0);
        let Some(Stage::Project(exprs)) = pipeline.stages.last() else { panic!("{pipeline}") };
        exprs[0].children()[0].data_type().to_string()
    };
    for (select, expected) in [
        ("ARRAY[id, CAST(1 AS BIGINT)]", "ARRAY<BIGINT>"),
        ("ARRAY['a', CAST(id AS STRING)]", "ARRAY<STRING>"),
        ("MAP['a', id, 'bc', 1.5]", "MAP<VARCHAR(2), DECIMAL(11, 1)>"),
        ("ROW(id, l)", "ROW<`EXPR$0` INT, `EXPR$1` ARRAY<INT>>"),
        ("ARRAY[r.b][1].d", "INT"),
        ("(r).b.c", "STRING"),
        ("MAP_ENTRIES(m)", "ARRAY<ROW<`key` STRING, `value` INT>>"),
        ("ARRAY_APPEND(l, CAST(1 AS BIGINT))", "ARRAY<BIGINT>"),
        ("COALESCE(l, ARRAY[CAST(id AS BIGINT)])", "ARRAY<BIGINT>"),
        ("CAST(l AS ARRAY<STRING>)", "ARRAY<STRING>"),
    ] {
        assert_eq!(result(select), expected, "{select}");
    }
    assert_eq!(DataType::array(DataType::Int).unwrap().to_string(), "ARRAY<INT>");
}

/// Each view's row holds the one before twice: a few lines name a type of 2^31 parts.
#[test]
fn types_that_grow_from_view_to_view_are_refused() {
    let mut text = tables() + "CREATE VIEW v0 AS SELECT DISTINCT id AS r FROM r;\n";
    for view in 1..=31 {
        text += &format!("CREATE VIEW v{view} AS SELECT DISTINCT ROW(r, r) AS r FROM v{};\n", view - 1);
    }
    text += "INSERT INTO x SELECT CAST(r AS STRING) FROM v31";
    assert_eq!(plan(&text).unwrap_err().message, "a type is made of at most 10000 others");
}

#[test]
fn mistakes_in_unnest() {
    for (query, message) in [
        ("SELECT k FROM «UNNEST»(l) AS u (k)", "UNNEST stands behind the table whose column it spreads"),
        ("SELECT r.a FROM r RIGHT JOIN «UNNEST»(l) AS u (k) ON TRUE", "UNNEST is joined with CROSS JOIN or LEFT JOIN"),
        ("SELECT id FROM r LEFT JOIN UNNEST(l) AS u (k) ON «k» > 1", "LEFT JOIN UNNEST takes no condition but ON TRUE"),
        ("SELECT id FROM r CROSS JOIN UNNEST(«id») AS u (k)", "UNNEST needs an ARRAY, a MAP or a MULTISET, found INT"),
        (
            "SELECT id FROM r CROSS JOIN UNNEST(«r») AS u (k)",
            "UNNEST needs an ARRAY, a MAP or a MULTISET, found ROW<`a` INT, `b` ROW<`c` STRING, `d` INT>>",
        ),
        ("SELECT id FROM r CROSS JOIN UNNEST(m) AS «u» (k)", "2 columns have 1 names"),
        ("SELECT id FROM r CROSS JOIN UNNEST(«ll») AS u (k)", "there is no column ll in table r"),
        ("SELECT id FROM r CROSS JOIN «UNNEST»(l, l) AS u (k)", "UNNEST takes one argument, there are 2"),
    ] {
        let error = mistake(&format!("{}INSERT INTO x {query}", tables()));
        assert_eq!(error.message, message, "{query}");
    }
}

#[test]
fn unnest_keeps_only_what_is_needed() {
    let text = format!("{}INSERT INTO x SELECT k FROM r CROSS JOIN UNNEST(m) AS u (k, v) WHERE v > r.a", tables());
    let pipeline = plan(&text).unwrap_or_else(|error| panic!("{error}")).pipelines.remove(0);
    let [Stage::Unnest(unnest), Stage::Filter(_), Stage::Project(_)] = &pipeline.stages[..] else {
        panic!("{pipeline}")
    };
    assert_eq!(unnest.columns.len(), 1, "{pipeline}");
    assert!(pipeline.to_string().contains("unnest     m: a row for each element\n"), "{pipeline}");
}
