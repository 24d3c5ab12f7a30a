//! The planner against Flink's documented behaviour.

use super::*;

#[test]
fn the_example_is_planned() {
    let text = include_str!("../../../docs/examples/user-metrics.sql");
    let plan = plan_job(text, &PlanContext::NOWHERE).unwrap();
    assert_eq!(
        plan.to_string(),
        "  source     website_clicks <- topic website-clicks (json, from the earliest offset): user_id STRING, bytes BIGINT, event_time BIGINT
  computed   ts = TO_TIMESTAMP_LTZ(event_time)
  watermark  of ts: (ts - INTERVAL 2 s)
  window     TUMBLE of 5 s over ts, by user_id: COUNT(*), SUM(bytes), MAX(bytes)
  project    user_id, window_start, window_end, COUNT(*), SUM(bytes), MAX(bytes)
  sink       user_metrics -> topic user-metrics (json): user_id STRING, window_start TIMESTAMP(3), window_end TIMESTAMP(3), clicks BIGINT, bytes BIGINT, max_bytes BIGINT
"
    );
}
