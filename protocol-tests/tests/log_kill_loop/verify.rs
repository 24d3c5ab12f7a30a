//! `forebay log verify` over the broker's folder.

use protocol_tests::binary;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// What a kill may leave: a log that ends in a torn batch. Answers how many do; the report says of anything else where it is.
pub fn after_kill(dir: &Path) -> Result<u64, String> {
    let (report, _) = verify(dir)?;
    match (report["damaged"].as_u64(), report["torn_tails"].as_u64()) {
        (Some(0), Some(torn)) => Ok(torn),
        _ => Err(format!("forebay log verify finds damage: {}", report["findings"])),
    }
}

/// After a stop in order everything is as it was written, by the exit code too.
pub fn after_stop(dir: &Path) -> Result<(), String> {
    let (report, code) = verify(dir)?;
    match (code, report["ok"].as_bool()) {
        (Some(0), Some(true)) => Ok(()),
        _ => Err(format!("forebay log verify ends with {code:?}: {}", report["findings"])),
    }
}

fn verify(dir: &Path) -> Result<(Value, Option<i32>), String> {
    let output = Command::new(binary::forebay())
        .args(["log", "verify", &dir.display().to_string(), "-o", "json"])
        .output()
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let report = serde_json::from_str(&text)
        .map_err(|error| format!("{error} in {text}{}", String::from_utf8_lossy(&output.stderr)))?;
    Ok((report, output.status.code()))
}
