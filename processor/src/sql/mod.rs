//! Flink SQL: statements in, plans out, mistakes with line and column.
