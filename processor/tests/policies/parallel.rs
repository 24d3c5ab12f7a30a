//! `parallelism.default`: what several tasks do together is what one does alone.

use std::sync::Arc;

use forebay_processor::job::{Progress, Stage, Subtask, SubtaskId, TaskError, TaskOptions, resources, subtasks};
use forebay_processor::plan::{JobPlan, check_replacement, check_state};
use forebay_storage::ids::Timestamp;

use crate::support::host::MemoryHost;
use crate::support::plans::{INPUT, OUTPUT, click};
use crate::support::world::World;
use crate::support::{run, run_and_finish};
use crate::{host, metric, parallel, rows, send, stateless, table, try_plan};

const REPARTITION: &str = "__forebay-job-0-repartition";
pub const NEVER_IDLE: &str = ", 'scan.watermark.idle-timeout' = '0'";

pub fn open(plan: &Arc<JobPlan>, host: &MemoryHost, stage: Stage, index: usize) -> Subtask {
    try_open(plan, host, stage, index).unwrap()
}

fn try_open(plan: &Arc<JobPlan>, host: &MemoryHost, stage: Stage, index: usize) -> Result<Subtask, TaskError> {
    let parallelism = plan.pipelines[0].parallelism;
    Subtask::open(plan, "job", SubtaskId { pipeline: 0, stage, index, parallelism }, host, TaskOptions::default())
}

fn world(plan: &Arc<JobPlan>, host: MemoryHost) -> World {
    World::new(host, Arc::clone(plan), TaskOptions::default())
}

/// Number of partial results in the repartition topic.
fn partials(host: &MemoryHost) -> usize {
    host.records(REPARTITION)
        .iter()
        .filter(|record| !record.key.as_ref().is_some_and(|key| key.starts_with('\u{7}')))
        .count()
}

#[test]
fn a_hot_key_costs_the_merging_task_one_record_a_step_and_others_do_not_wait_for_it() {
    let host = host(2);
    let plan = parallel(2, NEVER_IDLE);
    let hot = vec![5_000; 2_000];
    send(&host, 0, "hot", &hot);
    send(&host, 1, "hot", &hot);
    ["a", "b", "c", "d", "e"].iter().for_each(|user| send(&host, 1, user, &[6_000, 7_000]));
    (0..2).for_each(|partition| send(&host, partition, "z", &[40_000]));
    for index in 0..2 {
        run_and_finish(&mut open(&plan, &host, Stage::Local, index), &host).unwrap();
    }
    // The hot key comes from both, every other key from one, each once; z has a window of its own.
    assert_eq!(partials(&host), 2 + 5 + 2);
    // Its merging task is never stepped; the other one puts out its keys all the same.
    let hot_at =
        host.records(REPARTITION).into_iter().find(|record| record.key.as_ref().is_some_and(|key| key.contains("hot")));
    let others = 1 - hot_at.unwrap().partition as usize;
    run_and_finish(&mut open(&plan, &host, Stage::Global, others), &host).unwrap();
    let found = rows(&host);
    assert!(!found.is_empty() && found.iter().all(|row| !row.contains("hot")), "{found:?}");
    run_and_finish(&mut open(&plan, &host, Stage::Global, 1 - others), &host).unwrap();
    assert!(rows(&host).contains(&metric("hot", 10_000, 4_000, Some(400_000))));
    assert_eq!(rows(&host).len(), 6);
}

/// Rows that a time passes must be there before it, even where a transaction is too large to be read at once.
#[test]
fn times_come_after_all_that_was_gathered_before_them() {
    let host = host(1);
    let plan = parallel(2, NEVER_IDLE);
    (0..20).for_each(|n| send(&host, 0, &format!("user-{n}"), &[1_000, 40_000]));
    open(&plan, &host, Stage::Local, 0).step(&host).unwrap();
    let records = host.records(REPARTITION);
    for partition in 0..2 {
        let keys = records.iter().filter(|record| record.partition == partition).map(|record| record.key.as_deref());
        let times: Vec<bool> = keys.map(|key| key == Some("\u{7}")).collect();
        assert!(times.len() > 1, "some keys fall to each task");
        assert_eq!(
            times.iter().position(|is_times| *is_times),
            Some(times.len() - 1),
            "partition {partition}: {times:?}"
        );
    }
}

#[test]
fn without_windows_tasks_share_the_partitions_and_their_number_may_change() {
    let host = host(5);
    let produce = |host: &MemoryHost, user: &str| (0..5).for_each(|partition| send(host, partition, user, &[1]));
    let plan = |parallelism| {
        let mut plan = (*stateless("")).clone();
        plan.pipelines[0].parallelism = parallelism;
        Arc::new(plan)
    };
    assert_eq!(resources("job", &plan(2))[0].repartition, None);
    produce(&host, "a");
    let mut two = world(&plan(2), host);
    two.finish();
    let read: Vec<_> = two.status().inputs.iter().map(|input| input.partition).collect();
    assert_eq!(read, [0, 2, 4, 1, 3], "each partition has one task");
    let mut host = two.host;
    for (parallelism, user) in [(3, "b"), (7, "c"), (1, "d")] {
        check_state(&plan(2), &plan(parallelism)).unwrap();
        produce(&host, user);
        let mut world = world(&plan(parallelism), host);
        world.finish();
        host = world.host;
    }
    let row = |user| vec![format!(r#"{{"user":"{user}","x":100}}"#); 5];
    assert_eq!(rows(&host), [row("a"), row("b"), row("c"), row("d")].concat(), "nothing is read twice or left out");
}

#[test]
fn state_belongs_to_one_number_of_tasks() {
    let (one, two) = (parallel(1, ""), parallel(2, ""));
    let why = check_replacement("job", &one, &two).unwrap_err();
    assert!(why.contains("'parallelism.default'") && why.contains("it has 1, and would have 2"), "{why}");
    check_replacement("job", &two, &two).unwrap();
    check_state(&one, &two).unwrap();
    // Whoever opens it all the same is told.
    let host = host(2);
    send(&host, 0, "a", &[1]);
    run_and_finish(&mut open(&two, &host, Stage::Local, 0), &host).unwrap();
    let error = try_open(&parallel(3, ""), &host, Stage::Local, 0).unwrap_err();
    assert!(matches!(&error, TaskError::Failed(text) if text.contains("2 partitions, the job has 3 tasks")), "{error}");
}

#[test]
fn a_bounded_job_ends_in_all_its_tasks() {
    let host = host(3);
    send(&host, 0, "a", &[1_000, 100_000]);
    send(&host, 1, "b", &[2_000]);
    let plan = parallel(2, ", 'scan.bounded.mode' = 'latest-offset'");
    // Partition 2 is empty and read by the first task too.
    for index in 0..2 {
        assert_eq!(open(&plan, &host, Stage::Local, index).step(&host).unwrap(), Progress::Finished);
    }
    for index in 0..2 {
        assert_eq!(open(&plan, &host, Stage::Global, index).step(&host).unwrap(), Progress::Finished);
    }
    let expected =
        [metric("a", 10_000, 1, Some(100)), metric("a", 110_000, 1, Some(100)), metric("b", 10_000, 1, Some(100))];
    assert_eq!(rows(&host), expected);
    let commits = host.commits();
    for id in subtasks(&plan) {
        let mut again = open(&plan, &host, id.stage, id.index);
        assert_eq!(again.step(&host).unwrap(), Progress::Finished);
        assert!(again.status().finished && again.status().lag() == 0);
    }
    assert_eq!((rows(&host).len(), host.commits()), (3, commits), "a restart finds it done");
}

#[test]
fn more_tasks_than_partitions_are_no_harm() {
    let host = host(1);
    send(&host, 0, "a", &[1_000, 20_000]);
    let mut world = world(&parallel(4, NEVER_IDLE), host);
    world.finish();
    assert_eq!(rows(&world.host), [metric("a", 10_000, 1, Some(100))]);
}

#[test]
fn when_nothing_comes_any_more_the_open_windows_close() {
    let host = host(2);
    let plan = parallel(2, &format!(", 'forebay.close-after-idle' = '3 s'{NEVER_IDLE}"));
    let mut world = world(&plan, host);
    send(&world.host, 0, "a", &[1_000, 15_000]);
    world.finish();
    world.host.advance(2_999);
    world.finish();
    assert!(rows(&world.host).is_empty(), "partition 1 holds everything, and it is 1 ms too early");
    world.host.advance(1);
    world.finish();
    let closed = [metric("a", 10_000, 1, Some(100)), metric("a", 20_000, 1, Some(100))];
    assert_eq!(rows(&world.host), closed);
    // What comes for them is late now, which is known only where they were closed.
    send(&world.host, 1, "a", &[2_000, 21_000]);
    world.finish();
    assert_eq!(world.status().late, 1);
    assert_eq!(rows(&world.host), closed);
}

#[test]
fn an_idle_partition_holds_nothing_back_and_its_rows_are_late_then() {
    let host = host(2);
    host.create_topic("late", 2);
    let options = "'forebay.on-late' = 'topic', 'forebay.late.topic' = 'late', 'scan.watermark.idle-timeout' = '1 s'";
    let mut world = world(&parallel(2, &format!(", {options}")), host);
    send(&world.host, 0, "a", &[1_000, 2_000]);
    send(&world.host, 1, "a", &[3_000]);
    world.finish();
    world.host.advance(1_000);
    world.finish();
    send(&world.host, 0, "a", &[40_000]);
    world.finish();
    assert_eq!(rows(&world.host), [metric("a", 10_000, 3, Some(300))]);
    // Late by the others' time, and by its own: the second is known to the task that has the record.
    send(&world.host, 1, "a", &[4_000, 50_000, 5_000]);
    world.finish();
    assert_eq!((world.status().late, world.host.records("late").len()), (2, 1));
}

#[test]
fn what_is_merged_is_deleted_from_the_repartition_topic() {
    let host = host(2);
    let plan = parallel(2, NEVER_IDLE);
    let mut world = world(&plan, host);
    let mut round = |at: i64| {
        (0..2).for_each(|partition| send(&world.host, partition, "a", &[at, at + 1]));
        world.finish();
        (0..2).map(|partition| world.host.start_offset(REPARTITION, partition)).collect::<Vec<_>>()
    };
    assert_eq!(round(1_000), [0, 0]);
    assert_eq!(round(12_000), [0, 0]);
    world.host.advance(30_000);
    (0..2).for_each(|partition| send(&world.host, partition, "a", &[23_000]));
    world.finish();
    for partition in 0..2 {
        let committed = world.host.committed_offset("job", REPARTITION, partition).unwrap().offset.0;
        assert_eq!(world.host.start_offset(REPARTITION, partition), committed);
    }
    // Who comes after that goes on there.
    let mut again = World::new(world.host, plan, TaskOptions::default());
    (0..2).for_each(|partition| send(&again.host, partition, "a", &[60_000]));
    again.finish();
    let row = |end, n| metric("a", end, n, Some(100 * n));
    assert_eq!(rows(&again.host), [row(10_000, 4), row(20_000, 4), row(30_000, 2)]);
}

#[test]
fn nothing_more_is_gathered_while_it_is_not_merged() {
    let host = host(1);
    let plan = parallel(2, NEVER_IDLE);
    let options = TaskOptions { repartition_lag: 8, step_bytes: 1, ..TaskOptions::default() };
    let id = SubtaskId { pipeline: 0, stage: Stage::Local, index: 0, parallelism: 2 };
    let mut local = Subtask::open(&plan, "job", id, &host, options).unwrap();
    // One step each, as they are batches of their own.
    (0..100).for_each(|n| send(&host, 0, &format!("user-{n}"), &[1_000 + n]));
    run(&mut local, &host).unwrap();
    let gathered = partials(&host);
    // With times and markers a step takes two or three offsets of each partition.
    assert!((2..=8).contains(&gathered), "{gathered} records, by then one partition has more than 8 offsets");
    let paused = local.step(&host).unwrap();
    assert_eq!(paused, Progress::Waiting { until: Some(Timestamp(20)) });
    assert!(local.status().lag() > 0);
    // It goes on as the others do.
    send(&host, 0, "z", &[40_000]);
    let mut merging: Vec<Subtask> = (0..2).map(|index| open(&plan, &host, Stage::Global, index)).collect();
    while local.status().lag() > 0 {
        merging.iter_mut().for_each(|task| run_and_finish(task, &host).unwrap());
        run(&mut local, &host).unwrap();
    }
    merging.iter_mut().for_each(|task| run_and_finish(task, &host).unwrap());
    assert_eq!(rows(&host).len(), 100);
}

#[test]
fn who_gathers_goes_on_while_others_are_in_the_middle_of_a_commit() {
    let host = host(1);
    let plan = parallel(2, NEVER_IDLE);
    let options = TaskOptions { repartition_lag: 8, step_bytes: 1, ..TaskOptions::default() };
    let id = SubtaskId { pipeline: 0, stage: Stage::Local, index: 0, parallelism: 2 };
    let mut local = Subtask::open(&plan, "job", id, &host, options).unwrap();
    (0..2).for_each(|partition| host.unstable(REPARTITION, partition));
    (0..6).for_each(|n| send(&host, 0, &format!("user-{n}"), &[1_000 + n]));
    run(&mut local, &host).unwrap();
    assert!(partials(&host) >= 2);
}

#[test]
fn a_record_that_cannot_be_computed_is_known_where_it_is_read() {
    let host = host(1);
    host.create_topic("dead", 1);
    let plan = parallel(2, ", 'forebay.on-error' = 'dead-letter', 'forebay.dead-letter.topic' = 'dead'");
    host.produce(INPUT, 0, &[Some(click("a", Some(0), 1_000, 0)), Some(click("a", Some(5), 1_000, 0))]);
    run(&mut open(&plan, &host, Stage::Local, 0), &host).unwrap();
    assert_eq!((host.records("dead").len(), partials(&host)), (1, 1));
}

#[test]
fn the_second_owner_of_a_task_goes_on_and_the_first_one_is_told() {
    let host = host(1);
    let plan = parallel(2, NEVER_IDLE);
    send(&host, 0, "a", &[1_000, 20_000]);
    for id in subtasks(&plan) {
        let mut first = open(&plan, &host, id.stage, id.index);
        first.step(&host).unwrap();
        let mut second = open(&plan, &host, id.stage, id.index);
        if id.stage == Stage::Local && id.index == 0 {
            send(&host, 0, "b", &[30_000]);
            assert!(matches!(first.step(&host), Err(TaskError::Fenced(_))));
        }
        run_and_finish(&mut second, &host).unwrap();
    }
    assert_eq!(rows(&host), [metric("a", 10_000, 1, Some(100))]);
}

fn explained(parallelism: &str, options: &str, query: &str) -> Result<String, String> {
    let text = format!(
        "SET 'parallelism.default' = '{parallelism}'; {}
         CREATE TABLE o (u STRING) WITH ('connector' = 'kafka', 'topic' = '{OUTPUT}', 'format' = 'json');
         INSERT INTO o {query};",
        table(options)
    );
    try_plan(&text).map(|plan| plan.explain()).map_err(|error| error.to_string())
}

const TUMBLE: &str = "SELECT `user` FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '5' SECOND)) \
                      GROUP BY `user`, window_start, window_end";

#[test]
fn explain_says_where_rows_change_tasks() {
    let plan = explained("3", "", TUMBLE).unwrap();
    assert!(plan.contains("  tasks      3 read, by partition number modulo 3\n"), "{plan}");
    assert!(plan.contains("  exchange   partial results of each step -> 3 tasks, hash of user\n  window "), "{plan}");
    let plan = explained("3", "", "SELECT `user` FROM clicks").unwrap();
    assert!(plan.contains("  tasks      3 read") && !plan.contains("exchange"), "{plan}");
    let plan = explained("1", "", TUMBLE).unwrap();
    assert!(!plan.contains("  tasks ") && !plan.contains("exchange"), "{plan}");
}

#[test]
fn several_tasks_do_what_one_does() {
    for bad in ["0", "65", "-1", "two"] {
        let error = explained(bad, "", TUMBLE).unwrap_err();
        assert!(error.contains("'parallelism.default' is a number of tasks, 1 to 64"), "{error}");
    }
    let session = "SELECT `user` FROM TABLE(SESSION(TABLE clicks PARTITION BY `user`, DESCRIPTOR(ts), INTERVAL '5' SECOND)) \
                   GROUP BY `user`, window_start, window_end";
    let late = ", 'forebay.on-late' = 'topic', 'forebay.late.topic' = 'late'";
    explained("2", ", 'scan.watermark.alignment.max-drift' = '1 s'", TUMBLE).unwrap();
    explained("2", late, TUMBLE).unwrap();
    explained("2", late, session).unwrap();
}

/// What is ranked in a window is ranked by all tasks together.
#[test]
fn the_first_rows_are_the_same_in_any_number_of_tasks() {
    let best = |user: &str, place: u32| format!(r#"{{"user":"{user}","place":{place}}}"#);
    let of_each = vec![best("a", 1), best("a", 2), best("b", 1), best("c", 1), best("c", 2)];
    for (by, expected) in [("", vec![best("a", 2), best("c", 1)]), (", `user`", of_each)] {
        for parallelism in [1, 3] {
            let text = format!(
                "{}
                 CREATE TABLE best (`user` STRING, place BIGINT) WITH ('connector' = 'kafka', 'topic' = '{OUTPUT}', 'format' = 'json');
                 SET 'parallelism.default' = '{parallelism}';
                 INSERT INTO best SELECT `user`, place
                   FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end{by} ORDER BY ts DESC) AS place
                     FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '10' SECOND)))
                   WHERE place <= 2;",
                table(NEVER_IDLE)
            );
            let mut world = world(&Arc::new(try_plan(&text).unwrap()), host(2));
            for (partition, user, times) in
                [(0, "a", &[1_000, 3_000][..]), (0, "b", &[2_000]), (1, "a", &[4_000]), (1, "c", &[5_000, 500])]
            {
                send(&world.host, partition, user, times);
                world.finish();
            }
            (0..2).for_each(|partition| send(&world.host, partition, "z", &[40_000]));
            world.finish();
            let mut found = rows(&world.host);
            found.sort();
            assert_eq!(found, expected, "{parallelism} tasks, by{by}");
        }
    }
}
