//! Scalar functions: what their arguments must be, and of what type the result is.

use sqlparser::ast::{self, DateTimeField};

use super::super::error::SqlError;
use super::{Binder, coerced, describe};
use crate::expr::calendar::MILLIS_PER_DAY;
use crate::expr::{
    Arithmetic, DataType, DatePattern, Expr, Node, ScalarFunction, TimeField, TrimSide, Unit, Value, zone,
};

impl Binder<'_> {
    pub(super) fn text_call(
        &mut self,
        function: ScalarFunction,
        name: &str,
        arguments: &[&ast::Expr],
        result: DataType,
    ) -> Result<Expr, SqlError> {
        let arguments = arguments.iter().map(|argument| self.text(argument, name)).collect::<Result<Vec<_>, _>>()?;
        Ok(Expr::new(Node::Call(function, arguments), result))
    }

    pub(super) fn substring(
        &mut self,
        text: &ast::Expr,
        from: Option<&ast::Expr>,
        length: Option<&ast::Expr>,
    ) -> Result<Expr, SqlError> {
        let mut arguments = vec![self.text(text, "SUBSTRING")?];
        arguments.push(match from {
            Some(from) => self.integer(from, "SUBSTRING")?,
            None => Expr::literal(Value::Integer(1), DataType::Int),
        });
        if let Some(length) = length {
            arguments.push(self.integer(length, "SUBSTRING")?);
        }
        Ok(Expr::new(Node::Call(ScalarFunction::Substring, arguments), DataType::STRING))
    }

    pub(super) fn trim(
        &mut self,
        text: &ast::Expr,
        what: Option<&ast::Expr>,
        side: TrimSide,
    ) -> Result<Expr, SqlError> {
        let text = self.text(text, "TRIM")?;
        let what = match what {
            Some(what) => self.text(what, "TRIM")?,
            None => Expr::literal(Value::text(" "), DataType::Char(1)),
        };
        Ok(Expr::new(Node::Call(ScalarFunction::Trim(side), vec![text, what]), DataType::STRING))
    }

    pub(super) fn of_common_type(
        &mut self,
        function: ScalarFunction,
        name: &str,
        arguments: &[&ast::Expr],
    ) -> Result<Expr, SqlError> {
        let mut bound = Vec::with_capacity(arguments.len());
        for argument in arguments {
            bound.push((*argument, self.bind(argument)?));
        }
        let (bound, data_type) = self.unified(bound, &format!("the arguments of {name}"))?;
        if let (ScalarFunction::Greatest | ScalarFunction::Least, [first, ..]) = (&function, arguments) {
            self.ordered(first, data_type, name)?;
        }
        Ok(Expr::new(Node::Call(function, bound), data_type))
    }

    pub(super) fn number(&mut self, source: &ast::Expr, name: &str) -> Result<Expr, SqlError> {
        let bound = self.bind(source)?;
        if bound.data_type().is_numeric() || bound.data_type() == DataType::Null {
            return Ok(bound);
        }
        Err(self.error(source, format!("{name} needs a number, found {}", describe(bound.data_type()))))
    }

    pub(super) fn integer(&mut self, source: &ast::Expr, name: &str) -> Result<Expr, SqlError> {
        let bound = self.bind(source)?;
        if bound.data_type().is_integer() || bound.data_type() == DataType::Null {
            return Ok(bound);
        }
        Err(self.error(source, format!("{name} needs an integer, found {}", describe(bound.data_type()))))
    }

    pub(super) fn time(&mut self, source: &ast::Expr, name: &str) -> Result<Expr, SqlError> {
        let bound = self.bind(source)?;
        let data_type = bound.data_type();
        if data_type.is_timestamp() || matches!(data_type, DataType::Date | DataType::Time | DataType::Null) {
            return Ok(bound);
        }
        Err(self.error(source, format!("{name} needs a time, found {}", describe(data_type))))
    }

    pub(super) fn number_call(
        &mut self,
        function: ScalarFunction,
        name: &str,
        number: &ast::Expr,
    ) -> Result<Expr, SqlError> {
        let number = self.number(number, name)?;
        let data_type = number.data_type();
        Ok(Expr::new(Node::Call(function, vec![number]), data_type))
    }

    /// FLOOR and CEIL: a DECIMAL loses its scale.
    pub(super) fn rounded(
        &mut self,
        function: ScalarFunction,
        name: &str,
        number: &ast::Expr,
    ) -> Result<Expr, SqlError> {
        let number = self.number(number, name)?;
        let result = match number.data_type() {
            DataType::Decimal { precision, .. } => DataType::Decimal { precision, scale: 0 },
            other => other,
        };
        Ok(Expr::new(Node::Call(function, vec![number]), result))
    }

    /// ROUND(x [, digits]).
    pub(super) fn round(&mut self, number: &ast::Expr, digits: Option<&ast::Expr>) -> Result<Expr, SqlError> {
        let bound = self.number(number, "ROUND")?;
        let count = match digits {
            None => Expr::literal(Value::Integer(0), DataType::Int),
            Some(digits) => self.integer(digits, "ROUND")?,
        };
        let result = match count.as_literal() {
            Some(Value::Integer(kept)) => crate::expr::decimal::rounded_type(bound.data_type(), *kept),
            _ => bound.data_type(),
        };
        Ok(Expr::new(Node::Call(ScalarFunction::Round, vec![bound, count]), result))
    }

    pub(super) fn double_call(
        &mut self,
        function: ScalarFunction,
        name: &str,
        arguments: &[&ast::Expr],
    ) -> Result<Expr, SqlError> {
        let mut doubles = Vec::with_capacity(arguments.len());
        for argument in arguments {
            doubles.push(coerced(self.number(argument, name)?, DataType::Double));
        }
        Ok(Expr::new(Node::Call(function, doubles), DataType::Double))
    }

    pub(super) fn timestamp_ltz(
        &mut self,
        number: &ast::Expr,
        precision: Option<&ast::Expr>,
    ) -> Result<Expr, SqlError> {
        let bound = self.bind(number)?;
        if bound.data_type().is_text() {
            return self.text_to_moment(number, precision, None);
        }
        if !bound.data_type().is_numeric() && bound.data_type() != DataType::Null {
            let found = describe(bound.data_type());
            return Err(self.error(number, format!("TO_TIMESTAMP_LTZ needs a number, found {found}")));
        }
        let seconds = match precision {
            None => false,
            Some(expr) => match self.bind(expr)?.as_literal() {
                Some(Value::Integer(0)) => true,
                Some(Value::Integer(3)) => false,
                _ => {
                    return Err(self
                        .error(expr, "the precision of TO_TIMESTAMP_LTZ must be 0 or 3")
                        .hint("0 if the number counts seconds, 3 if it counts milliseconds"));
                }
            },
        };
        let node = Node::Call(ScalarFunction::ToTimestampLtz { seconds }, vec![bound]);
        Ok(Expr::new(node, DataType::TimestampLtz(3)))
    }

    /// TO_TIMESTAMP_LTZ(text [, pattern [, zone]]).
    pub(super) fn text_to_moment(
        &mut self,
        text: &ast::Expr,
        pattern: Option<&ast::Expr>,
        zone: Option<&ast::Expr>,
    ) -> Result<Expr, SqlError> {
        const NAME: &str = "TO_TIMESTAMP_LTZ";
        let mut arguments = vec![self.text(text, NAME)?];
        let given = self.pattern(pattern, NAME)?;
        let pattern = if pattern.is_none() { given.lenient() } else { given };
        if let Some(zone) = zone {
            self.known_zone(zone)?;
            arguments.push(self.text(zone, NAME)?);
        }
        Ok(Expr::new(Node::Call(ScalarFunction::TextToMoment(pattern), arguments), DataType::TimestampLtz(3)))
    }

    /// Refuses a constant that names no time zone.
    pub(super) fn known_zone(&mut self, source: &ast::Expr) -> Result<(), SqlError> {
        let bound = self.text(source, "a time zone")?;
        match bound.as_literal() {
            Some(Value::String(name)) if zone::zone(name).is_none() => Err(self
                .error(source, format!("there is no time zone '{name}'"))
                .hint("a zone is named as 'Europe/Berlin', 'UTC' or 'GMT+05:30'")),
            _ => Ok(()),
        }
    }

    /// A time, or a text that is one.
    pub(super) fn time_or_text(&mut self, source: &ast::Expr, name: &str) -> Result<Expr, SqlError> {
        let bound = self.bind(source)?;
        if bound.data_type().is_text() {
            let pattern = self.pattern(None, name)?.lenient();
            return Ok(Expr::new(
                Node::Call(ScalarFunction::ToTimestamp(pattern), vec![bound]),
                DataType::Timestamp(3),
            ));
        }
        self.time(source, name)
    }

    pub(super) fn extract(&mut self, field: TimeField, source: &ast::Expr, name: &str) -> Result<Expr, SqlError> {
        let time = self.time(source, name)?;
        Ok(Expr::new(Node::Call(ScalarFunction::Extract(field), vec![time]), DataType::BigInt))
    }

    /// FLOOR and CEIL of a time TO a unit.
    pub(super) fn rounded_time(
        &mut self,
        whole: &ast::Expr,
        source: &ast::Expr,
        unit: &DateTimeField,
        function: fn(TimeField) -> ScalarFunction,
    ) -> Result<Expr, SqlError> {
        let Some(field) = field_of(unit) else {
            return Err(self.error(whole, format!("a time is not rounded TO {unit}")));
        };
        let time = self.time(source, "FLOOR and CEIL .. TO")?;
        let data_type = time.data_type();
        Ok(Expr::new(Node::Call(function(field), vec![time]), data_type))
    }

    fn unit(&self, source: &ast::Expr) -> Result<Unit, SqlError> {
        let name = match source {
            ast::Expr::Identifier(name) => name.value.as_str(),
            _ => "",
        };
        Unit::of_name(name).ok_or_else(|| {
            self.error(source, "expected a unit of time")
                .hint("there is SECOND, MINUTE, HOUR, DAY, WEEK, MONTH, QUARTER and YEAR")
        })
    }

    pub(super) fn timestamp_add(
        &mut self,
        whole: &ast::Expr,
        unit: &ast::Expr,
        count: &ast::Expr,
        time: &ast::Expr,
    ) -> Result<Expr, SqlError> {
        let unit = self.unit(unit)?;
        let count = self.integer(count, "TIMESTAMPADD")?;
        let time = self.time(time, "TIMESTAMPADD")?;
        let (length, interval) = match unit {
            Unit::Millis(length) => (length, DataType::IntervalDayTime),
            Unit::Months(length) => (length, DataType::IntervalYearMonth),
        };
        // A date and hours make a time of day.
        let time = match (time.data_type(), unit) {
            (DataType::Date, Unit::Millis(length)) if length < MILLIS_PER_DAY => coerced(time, DataType::Timestamp(3)),
            (DataType::Time, Unit::Months(_)) => {
                return Err(self.error(whole, "a TIME has no months").hint("CAST it AS TIMESTAMP"));
            }
            _ => time,
        };
        let factor = Expr::literal(Value::Integer(length), interval);
        let amount = Expr::new(Node::Arithmetic(Arithmetic::Times, Box::new(count), Box::new(factor)), interval);
        let data_type = time.data_type();
        let node = Node::PlusInterval { input: Box::new(time), interval: Box::new(amount.folded()), negative: false };
        Ok(Expr::new(node, data_type))
    }

    pub(super) fn timestamp_diff(
        &mut self,
        unit: &ast::Expr,
        from: &ast::Expr,
        to: &ast::Expr,
    ) -> Result<Expr, SqlError> {
        let unit = self.unit(unit)?;
        let mut times = Vec::with_capacity(2);
        for source in [from, to] {
            let time = self.time(source, "TIMESTAMPDIFF")?;
            times.push(match time.data_type() {
                DataType::Date => coerced(time, DataType::Timestamp(3)),
                DataType::Time => return Err(self.error(source, "TIMESTAMPDIFF needs a date, found TIME")),
                _ => time,
            });
        }
        Ok(Expr::new(Node::Call(ScalarFunction::TimestampDiff(unit), times), DataType::Int))
    }

    pub(super) fn pattern(&mut self, pattern: Option<&ast::Expr>, name: &str) -> Result<DatePattern, SqlError> {
        let (text, source) = match pattern {
            None => (DatePattern::DEFAULT.to_owned(), None),
            Some(expr) => match self.bind(expr)?.as_literal() {
                Some(Value::String(text)) => (text.clone().into_owned(), Some(expr)),
                _ => return Err(self.error(expr, format!("the pattern of {name} must be a constant text"))),
            },
        };
        DatePattern::new(&text).map_err(|letters| {
            let message = format!("{name} does not know {letters} in a pattern");
            let error = match source {
                Some(expr) => self.error(expr, message),
                None => SqlError::new(self.here, message),
            };
            error.hint("there is yyyy yy MM MMM MMMM dd EEE EEEE D HH hh a mm ss SSS, and text in ''")
        })
    }
}

/// What YEAR(time) and its like take out of a time.
pub(super) fn field_of_function(name: &str) -> Option<TimeField> {
    Some(match name {
        "YEAR" => TimeField::Year,
        "QUARTER" => TimeField::Quarter,
        "MONTH" => TimeField::Month,
        "DAYOFMONTH" => TimeField::Day,
        "DAYOFWEEK" => TimeField::DayOfWeek,
        "DAYOFYEAR" => TimeField::DayOfYear,
        "HOUR" => TimeField::Hour,
        "MINUTE" => TimeField::Minute,
        "SECOND" => TimeField::Second,
        _ => return None,
    })
}

/// What EXTRACT(field FROM time) takes out of a time.
pub(super) fn field_of(field: &DateTimeField) -> Option<TimeField> {
    Some(match field {
        DateTimeField::Millennium | DateTimeField::Millenium => TimeField::Millennium,
        DateTimeField::Century => TimeField::Century,
        DateTimeField::Decade => TimeField::Decade,
        DateTimeField::Year => TimeField::Year,
        DateTimeField::Isoyear => TimeField::IsoYear,
        DateTimeField::Isodow => TimeField::IsoDayOfWeek,
        DateTimeField::Week(None) => TimeField::Week,
        DateTimeField::Microsecond => TimeField::Microsecond,
        DateTimeField::Nanosecond => TimeField::Nanosecond,
        DateTimeField::Quarter => TimeField::Quarter,
        DateTimeField::Month => TimeField::Month,
        DateTimeField::Day => TimeField::Day,
        DateTimeField::Dow | DateTimeField::DayOfWeek => TimeField::DayOfWeek,
        DateTimeField::Doy | DateTimeField::DayOfYear => TimeField::DayOfYear,
        DateTimeField::Hour => TimeField::Hour,
        DateTimeField::Minute => TimeField::Minute,
        DateTimeField::Second => TimeField::Second,
        DateTimeField::Millisecond => TimeField::Millisecond,
        DateTimeField::Epoch => TimeField::Epoch,
        _ => return None,
    })
}
