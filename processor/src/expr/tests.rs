//! Properties of evaluation.
