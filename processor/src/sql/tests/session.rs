//! What a person at a shell can ask for.

use super::super::session::{Asked, Listing, Names, Query, SessionPlan, names, plan_session};
use super::{PlanContext, TABLES, plan};
use crate::plan::Stage;

fn ask(text: &str) -> SessionPlan {
    plan_session(TABLES, text, &PlanContext::nowhere()).unwrap_or_else(|error| panic!("{error}"))
}

fn query(text: &str) -> Query {
    match ask(text).asked {
        Asked::Query(query) => *query,
        other => panic!("{other:?}"),
    }
}

fn listing(text: &str) -> Listing {
    match ask(text).asked {
        Asked::Listing(listing) => listing,
        other => panic!("{other:?}"),
    }
}

/// The rows of a listing as lines, nothing as `-`.
fn lines(text: &str) -> Vec<String> {
    let cell = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "-".to_owned());
    listing(text).rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join(" | ")).collect()
}

fn mistake(text: &str) -> String {
    plan_session(TABLES, text, &PlanContext::nowhere()).expect_err("it has a mistake").one_line()
}

#[test]
fn a_query_by_itself_has_the_columns_of_its_select() {
    let found = query("SELECT u, n + 1 AS more, n, n FROM plain WHERE n > 2");
    let columns: Vec<String> = found.columns.iter().map(|c| format!("{} {}", c.name, c.data_type)).collect();
    assert_eq!(columns, ["u STRING", "more BIGINT", "n BIGINT", "n0 BIGINT"]);
    assert_eq!((found.limit, found.to_end, found.plan.pipelines.len()), (None, false, 1));
    let all = query("SELECT * FROM plain");
    assert_eq!(all.columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["u", "n"]);
}

#[test]
fn rows_of_groups_without_windows_take_others_back() {
    let groups = query("SELECT u, COUNT(*) AS c FROM plain GROUP BY u");
    assert!(groups.updates && !query("SELECT u FROM plain").updates);
    assert_eq!(groups.columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["u", "c"]);
}

#[test]
fn limit_is_taken_off_the_query_and_batch_ends_it() {
    assert_eq!(query("SELECT u FROM plain LIMIT 7").limit, Some(7));
    assert_eq!(query("SELECT u FROM plain FETCH FIRST 3 ROWS ONLY").limit, Some(3));
    assert!(query("SET 'execution.runtime-mode' = 'batch'; SELECT u FROM plain").to_end);
    assert!(!query("SET 'execution.runtime-mode' = 'streaming'; SELECT u FROM plain").to_end);
    assert_eq!(
        mistake("SELECT u FROM plain LIMIT n"),
        "line 1, column 1: LIMIT is a number of rows here; write LIMIT 10 at the query's end"
    );
    let inner = mistake("SELECT u FROM (SELECT u FROM plain LIMIT 3)");
    assert!(inner.contains("LIMIT is not supported"), "{inner}");
}

#[test]
fn each_part_of_a_union_is_a_pipeline_of_one_result() {
    let union = query("SELECT u, n FROM plain UNION ALL SELECT u, i FROM t");
    assert_eq!(union.plan.pipelines.len(), 2);
    assert!(union.plan.pipelines.iter().all(|pipeline| pipeline.sink.columns.len() == 2));
    let windows = query(
        "SELECT window_end, u, COUNT(*) AS c FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, u",
    );
    assert!(windows.plan.pipelines[0].stages.iter().any(Stage::keeps_rows));
}

#[test]
fn describe_lists_columns_as_flink_does() {
    assert_eq!(listing("DESCRIBE t").columns, ["name", "type", "null", "key", "extras", "watermark"]);
    let rows = lines("DESC t");
    assert_eq!(rows[0], "u | STRING | TRUE | - | - | -");
    assert_eq!(rows[13], "ts | TIMESTAMP_LTZ(3) | TRUE | - | AS TO_TIMESTAMP_LTZ(ms, 3) | ts - INTERVAL '2' SECOND");
    let keyed = "CREATE TABLE k (a INT, b INT NOT NULL, c BIGINT METADATA FROM 'offset' VIRTUAL, PRIMARY KEY (a) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'topic' = 'k', 'key.format' = 'json', 'value.format' = 'json');";
    let rows = lines(&format!("{keyed} DESCRIBE k"));
    assert_eq!(
        rows,
        [
            "a | INT | FALSE | PRI(a) | - | -",
            "b | INT | FALSE | - | - | -",
            "c | BIGINT | TRUE | - | METADATA FROM 'offset' VIRTUAL | -"
        ]
    );
    assert_eq!(lines("CREATE VIEW v AS SELECT n AS m FROM plain; DESCRIBE v"), ["m | BIGINT | TRUE | - | - | -"]);
    assert_eq!(lines("SHOW COLUMNS FROM o"), lines("DESCRIBE o"));
}

#[test]
fn show_lists_what_the_session_knows() {
    let text = "CREATE VIEW v AS SELECT n FROM plain; SHOW TABLES";
    assert_eq!(lines(text), ["o | table | o", "plain | table | p", "t | table | t", "v | view | -"]);
    assert_eq!(lines("CREATE VIEW v AS SELECT n FROM plain; SHOW VIEWS"), ["v"]);
    assert!(lines("SHOW FUNCTIONS").iter().any(|row| row.starts_with("UPPER(text) | STRING | ")));
    assert!(matches!(ask("SHOW JOBS").asked, Asked::Jobs));
    assert!(matches!(ask("SHOW TOPICS").asked, Asked::Topics));
    let state = ask("SHOW STATE OF JOB user-metrics-2 WHERE KEY = 'ann'").asked;
    assert!(
        matches!(&state, Asked::State { job, key: Some(key) } if job == "user-metrics-2" && key == "ann"),
        "{state:?}"
    );
}

#[test]
fn what_show_create_table_gives_makes_the_same_table() {
    let made = "CREATE TABLE `order` (`user` STRING NOT NULL, price DECIMAL(10, 2), ms BIGINT, `off` BIGINT METADATA FROM 'offset' VIRTUAL,
        ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
        WITH ('connector' = 'kafka', 'topic' = 'o''s', 'format' = 'json');";
    let made = made.replace("o''s", "orders");
    let shown = lines(&format!("{made} SHOW CREATE TABLE `order`")).remove(0);
    assert!(shown.starts_with("CREATE TABLE `order` (\n  `user` STRING NOT NULL,\n  price DECIMAL(10, 2),"), "{shown}");
    let describe = |text: &str| lines(&format!("{text}; DESCRIBE `order`"));
    assert_eq!(describe(&shown), describe(&made));
    assert_eq!(lines(&format!("{shown}; SHOW CREATE TABLE `order`")), [shown]);
}

#[test]
fn explain_says_what_is_kept_and_for_how_long() {
    let window = "SELECT window_end, u, COUNT(*) AS c FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, u";
    let plan = lines(&format!("EXPLAIN {window}"));
    let has = |start: &str| assert!(plan.iter().any(|line| line.starts_with(start)), "{start}: {plan:#?}");
    has("  source     t <- topic t (json, from the earliest offset): ");
    has("  window     TUMBLE of 1 min over ts, by u: COUNT(*)");
    has("  result     window_end TIMESTAMP(3), u STRING, c BIGINT");
    has("  state      1 result for each window and key; 1 key column");
    has("  kept       until the watermark passes the window's end (1 min of event time)");
    assert!(!plan.iter().any(|line| line.contains("the result")), "{plan:#?}");
    assert_eq!(plan, lines(&format!("EXPLAIN PLAN FOR {window}")));
    let insert = lines("EXPLAIN INSERT INTO o SELECT u, n FROM plain");
    assert!(insert.iter().any(|line| line.starts_with("  sink       o -> topic o")), "{insert:#?}");
    assert!(insert.contains(&"  state      none: each row goes through by itself".to_owned()), "{insert:#?}");
    let set =
        "EXPLAIN STATEMENT SET BEGIN INSERT INTO o SELECT u, n FROM plain; INSERT INTO o SELECT u, n FROM t; END;";
    assert!(lines(set).contains(&"part 2 of 2".to_owned()));
}

#[test]
fn inserts_are_a_job_with_the_sessions_tables() {
    let SessionPlan { asked, keeps, .. } = ask("SET 'pipeline.name' = 'copy'; INSERT INTO o SELECT u, n FROM plain");
    let Asked::Job { name, plan: job } = asked else { panic!("{asked:?}") };
    assert_eq!((name.as_deref(), keeps), (Some("copy"), true));
    assert_eq!(plan(&job.text).unwrap().pipelines, job.pipelines);
    let batch = mistake("SET 'execution.runtime-mode' = 'batch'; INSERT INTO o SELECT u, n FROM plain");
    assert!(batch.contains("a job is streaming"), "{batch}");
}

#[test]
fn what_is_dropped_is_forgotten() {
    let gone = mistake("DROP TABLE plain; SELECT u FROM plain");
    assert!(gone.starts_with("line 1, column 33: there is no table plain"), "{gone}");
    let anew = "DROP TABLE plain; CREATE TABLE plain (x INT) WITH ('connector' = 'kafka', 'topic' = 'p', 'format' = 'json'); DESCRIBE plain";
    assert_eq!(lines(anew), ["x | INT | TRUE | - | - | -"]);
    assert_eq!(mistake("DROP TABLE plan"), "line 1, column 12: there is no table plan; did you mean plain?");
    assert_eq!(mistake("DROP VIEW plain"), "line 1, column 11: plain is a table; write DROP TABLE");
    assert!(matches!(ask("DROP TABLE IF EXISTS nothing").asked, Asked::Known(_)));
    assert!(plan(&format!("{TABLES}DROP TABLE IF EXISTS x; INSERT INTO o SELECT u, n FROM plain")).is_ok());
}

#[test]
fn mistakes_have_their_place_and_the_nearest_word() {
    assert_eq!(
        mistake("SELECT usr FROM plain"),
        "line 1, column 8: there is no column usr in table plain; there is u, n"
    );
    assert_eq!(mistake("\n  SHOW TABLS"), "line 2, column 8: expected what to show, found TABLS; did you mean TABLES?");
    assert_eq!(mistake("DESCRIBE plian"), "line 1, column 10: there is no table plian; did you mean plain?");
    assert_eq!(mistake("DESCRBE t"), "line 1, column 1: DESCRBE is no statement; did you mean DESCRIBE?");
    let two = mistake("SHOW TABLES; SHOW VIEWS");
    assert!(two.starts_with("line 1, column 14: one request is for one answer"), "{two}");
    let in_job = plan("SHOW TABLES").unwrap_err().one_line();
    assert_eq!(in_job, "line 1, column 1: SHOW is no statement of a job; it is for people: `forebay sql` takes it");
}

#[test]
fn a_table_without_columns_is_to_be_proposed() {
    let asked = ask("CREATE TABLE c WITH ('connector' = 'kafka', 'topic' = 'clicks')");
    assert!(!asked.keeps);
    let Asked::Infer { table, options, place } = asked.asked else { panic!("{asked:?}") };
    assert_eq!((table.as_str(), options.len(), place), ("c", 2, (1, 14)));
    let in_job = plan("CREATE TABLE c WITH ('connector' = 'kafka', 'topic' = 'clicks')").unwrap_err().one_line();
    assert!(in_job.contains("the table has no columns"), "{in_job}");
}

#[test]
fn names_are_there_for_completion() {
    let Names { tables } = names(&format!("{TABLES} CREATE VIEW v AS SELECT n FROM plain;"));
    assert_eq!(tables.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["o", "plain", "t", "v"]);
    assert_eq!(tables[1].1, ["u", "n"]);
}

#[test]
fn a_request_has_one_answer_whatever_comes_first() {
    for text in [
        "INSERT INTO o SELECT u, n FROM plain; SELECT u FROM plain",
        "INSERT INTO o SELECT u, n FROM plain; SHOW TABLES",
        "SELECT u FROM plain; CREATE TABLE x WITH ('connector' = 'kafka', 'topic' = 'x', 'format' = 'json')",
    ] {
        let error = mistake(text);
        assert!(error.contains("one request is for one answer"), "{text}: {error}");
    }
}

#[test]
fn a_comment_at_the_end_of_a_session_ends_with_its_line() {
    let session = format!("{TABLES}; CREATE VIEW v AS SELECT u FROM plain -- all of them");
    let asked = plan_session(&session, "INSERT INTO o SELECT u, 1 FROM v", &PlanContext::nowhere()).unwrap().asked;
    let Asked::Job { plan: job, .. } = asked else { panic!("{asked:?}") };
    plan(&job.text).unwrap();
}

#[test]
fn who_is_back_from_batch_mode_can_deploy() {
    let session =
        format!("{TABLES}; SET 'execution.runtime-mode' = 'batch'; SET 'execution.runtime-mode' = 'streaming'");
    let asked = plan_session(&session, "INSERT INTO o SELECT u, n FROM plain", &PlanContext::nowhere()).unwrap().asked;
    let Asked::Job { plan: job, .. } = asked else { panic!("{asked:?}") };
    plan(&job.text).unwrap();
}

#[test]
fn functions_are_found_by_name_and_a_programs_own_come_first() {
    let mut own = crate::expr::Functions::default();
    own.add("risk_of", |amount: i64| amount > 3);
    let context = PlanContext { functions: own.into(), ..PlanContext::nowhere() };
    let shown = |text: &str| match plan_session("", text, &context).unwrap().asked {
        Asked::Listing(listing) => listing.rows.into_iter().filter_map(|mut row| row.remove(0)).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(shown("SHOW USER FUNCTIONS"), ["RISK_OF(BIGINT)"]);
    assert_eq!(shown("SHOW FUNCTIONS")[0], "RISK_OF(BIGINT)");
    assert_eq!(shown("SHOW FUNCTIONS LIKE 'upp%'"), ["UPPER(text)"]);
}
