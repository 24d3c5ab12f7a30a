//! Jobs written in Rust: sources, expressions and windows whose types the compiler checks, planned and run as the SQL that they stand for.
//!
//! ```
//! use std::time::Duration;
//! use forebay::Forebay;
//! use forebay::stream::{Source, count, sum, window_start};
//!
//! let mut clicks = Source::topic("website-clicks");
//! let user = clicks.column::<String>("user_id");
//! let bytes = clicks.column::<i64>("bytes");
//! let time = clicks.column::<i64>("event_time");
//! clicks.event_time_ms(&time, Duration::from_secs(2));
//!
//! let metrics = clicks
//!     .filter(bytes.clone().gt(0))
//!     .tumble(Duration::from_secs(5))
//!     .group_by(&user)
//!     .select("user_id", &user)
//!     .select("window_start", window_start())
//!     .select("clicks", count())
//!     .select("bytes", sum(bytes))
//!     .to_topic("user-metrics");
//!
//! let broker = Forebay::builder().topic("website-clicks", 4).stream("user-metrics", metrics).start()?;
//! # drop(broker);
//! # Ok::<(), forebay::node::StartError>(())
//! ```

mod expression;
mod grouped;
mod source;

pub use expression::{Call, Expression, Moment, Operand, lit, map};
pub use grouped::{Aggregate, Field, Grouped, Windowed, avg, count, max, min, sum, window_end, window_start};
pub use source::{Rows, Selected, Source};

use forebay_processor::expr::Functions;

/// A whole job: its statements, and the closures that these call.
#[derive(Clone, Debug)]
#[must_use = "it is given to a broker: see `Builder::stream`"]
pub struct Stream {
    sql: String,
    functions: Functions,
}

impl Stream {
    /// The statements, which are Flink SQL but for the closures.
    #[must_use]
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// The same with closures that its statements call, too.
    fn and(mut self, functions: &Functions) -> Stream {
        self.functions.extend(functions);
        self
    }

    /// The closures.
    pub(crate) fn functions(&self) -> &Functions {
        &self.functions
    }
}

/// A name or a text as SQL has it.
fn quoted(quote: char, text: &str) -> String {
    let doubled: String = [quote, quote].iter().collect();
    format!("{quote}{}{quote}", text.replace(quote, &doubled))
}
