//! Functions of arrays and maps.

use std::cmp::Ordering;

use hashbrown::HashSet;

use super::super::nested::bytes_of;
use super::super::{DataType, EvalError, Expr, Value, compare};
use super::{Call, Function, Kind, MISSHAPEN, PLAIN, Returns, Unify, string};

type Result<T> = std::result::Result<T, EvalError>;

/// `ARRAY[..]`.
pub(crate) const MAKE_ARRAY: &Function = &Function {
    name: "ARRAY",
    takes_null: true,
    repeats: true,
    compute: |values, _| Ok(Value::array(owned(values))),
    ..PLAIN
};

/// `ROW(..)`.
pub(crate) const MAKE_ROW: &Function = &Function {
    name: "ROW",
    takes_null: true,
    repeats: true,
    compute: |values, _| Ok(Value::row(owned(values))),
    ..PLAIN
};

/// `MAP[..]`.
pub(crate) const MAKE_MAP: &Function = &Function {
    name: "MAP",
    takes_null: true,
    repeats: true,
    compute: |values, _| {
        let entry = |pair: &[Value<'_>]| (pair[0].clone().into_owned(), pair[1].clone().into_owned());
        Ok(Value::map(values.chunks_exact(2).map(entry).collect()))
    },
    ..PLAIN
};

/// `array[index]`: NULL if there is none.
pub(crate) const AT_INDEX: &Function = &Function {
    name: "ITEM",
    compute: |values, _| {
        let [array, Value::Integer(index)] = values else { return Err(MISSHAPEN) };
        let index = usize::try_from(*index).ok().and_then(|index| index.checked_sub(1));
        Ok(index.and_then(|index| array.items().get(index)).cloned().unwrap_or(Value::Null))
    },
    ..PLAIN
};

/// `map[key]`: NULL if there is none. A key may be NULL.
pub(crate) const AT_KEY: &Function = &Function {
    name: "ITEM",
    takes_null: true,
    compute: |values, _| {
        let [map, key] = values else { return Err(MISSHAPEN) };
        let key = bytes_of(key);
        let found = map.entries().iter().find(|(other, _)| bytes_of(other) == key);
        Ok(found.map_or(Value::Null, |(_, value)| value.clone()))
    },
    ..PLAIN
};

/// A value as bytes of the state's codec, NULL too: what ARRAY_AGG and its like gather.
pub(crate) const GATHERED: &Function = &Function {
    name: "GATHERED",
    takes_null: true,
    repeats: true,
    result: Returns::Is(DataType::BYTES),
    compute: |values, _| Ok(Value::Bytes(values.iter().flat_map(bytes_of).collect::<Vec<u8>>().into())),
    ..PLAIN
};

/// What was gathered, as an array.
pub(crate) const GATHERED_ARRAY: &Function = &Function {
    name: "ARRAY_AGG",
    compute: |values, _| {
        let [Value::Bytes(bytes)] = values else { return Err(MISSHAPEN) };
        Ok(Value::array(gathered(bytes)))
    },
    ..PLAIN
};

/// The values that [`GATHERED`] made into bytes.
pub(crate) fn gathered(mut bytes: &[u8]) -> Vec<Value<'static>> {
    let next = || crate::state::decode_value(&mut bytes).map(Value::into_owned);
    std::iter::from_fn(next).collect()
}

/// The functions that can be called by their names.
pub(crate) const COLLECTIONS: &[Function] = &[
    Function {
        name: "ARRAY_APPEND",
        form: "ARRAY_APPEND(array, value)",
        about: "the array with the value at its end",
        arguments: &[Kind::Array, Kind::Any],
        takes_null: true,
        unify: Unify::ElementOfFirst,
        result: FIRST,
        compute: |values, _| of_array(values, |array| Ok(Value::array([array, &owned(&values[1..])].concat()))),
        ..PLAIN
    },
    Function {
        name: "ARRAY_CONCAT",
        form: "ARRAY_CONCAT(array [, array]..)",
        about: "the arrays one after the other",
        arguments: &[Kind::Array],
        repeats: true,
        unify: Unify::All,
        result: FIRST,
        compute: |values, _| Ok(Value::array(values.iter().flat_map(|array| array.items()).cloned().collect())),
        ..PLAIN
    },
    Function {
        name: "ARRAY_CONTAINS",
        form: "ARRAY_CONTAINS(array, value)",
        about: "whether the value is an element; NULL may be one",
        arguments: &[Kind::Array, Kind::Any],
        takes_null: true,
        unify: Unify::ElementOfFirst,
        result: Returns::Is(DataType::Boolean),
        compute: |values, _| of_array(values, |array| Ok(Value::Boolean(place_of(array, &values[1]).is_some()))),
        ..PLAIN
    },
    Function {
        name: "ARRAY_DISTINCT",
        form: "ARRAY_DISTINCT(array)",
        about: "each element once, where it is first",
        arguments: &[Kind::Array],
        result: FIRST,
        compute: |values, _| Ok(Value::array(once(values[0].items().iter(), &mut HashSet::new()))),
        ..PLAIN
    },
    Function {
        name: "ARRAY_EXCEPT",
        form: "ARRAY_EXCEPT(array, array)",
        about: "the elements of the first that the second does not have, each once, NULL last",
        arguments: &[Kind::Array, Kind::Array],
        unify: Unify::All,
        result: FIRST,
        compute: |values, _| {
            let mut others: HashSet<Vec<u8>> = values[1].items().iter().map(bytes_of).collect();
            let (null, rest): (Vec<_>, Vec<_>) = values[0].items().iter().partition(|element| element.is_null());
            Ok(Value::array(once(rest.into_iter().chain(null), &mut others)))
        },
        ..PLAIN
    },
    Function {
        name: "ARRAY_INTERSECT",
        form: "ARRAY_INTERSECT(array, array)",
        about: "the elements of the first that the second has too, each once",
        arguments: &[Kind::Array, Kind::Array],
        unify: Unify::All,
        result: FIRST,
        compute: |values, _| {
            let others: HashSet<Vec<u8>> = values[1].items().iter().map(bytes_of).collect();
            let both = values[0].items().iter().filter(|element| others.contains(&bytes_of(element)));
            Ok(Value::array(once(both, &mut HashSet::new())))
        },
        ..PLAIN
    },
    Function {
        name: "ARRAY_JOIN",
        form: "ARRAY_JOIN(array, separator [, instead of NULL])",
        about: "the texts with the separator between them; NULLs are passed over unless there is something instead",
        arguments: &[Kind::Texts, Kind::Text, Kind::Text],
        required: 2,
        compute: join,
        ..PLAIN
    },
    Function {
        name: "ARRAY_MAX",
        form: "ARRAY_MAX(array)",
        about: "the greatest element",
        arguments: &[Kind::Ordered],
        result: ELEMENT,
        compute: |values, _| extreme(&values[0], Ordering::Greater),
        ..PLAIN
    },
    Function {
        name: "ARRAY_MIN",
        form: "ARRAY_MIN(array)",
        about: "the least element",
        arguments: &[Kind::Ordered],
        result: ELEMENT,
        compute: |values, _| extreme(&values[0], Ordering::Less),
        ..PLAIN
    },
    Function {
        name: "ARRAY_POSITION",
        form: "ARRAY_POSITION(array, value)",
        about: "where the value is first, from 1; 0 if it is not there",
        arguments: &[Kind::Array, Kind::Any],
        unify: Unify::ElementOfFirst,
        result: Returns::Is(DataType::Int),
        compute: |values, _| {
            Ok(Value::Integer(place_of(values[0].items(), &values[1]).map_or(0, |place| place as i64 + 1)))
        },
        ..PLAIN
    },
    Function {
        name: "ARRAY_PREPEND",
        form: "ARRAY_PREPEND(array, value)",
        about: "the array with the value before it",
        arguments: &[Kind::Array, Kind::Any],
        takes_null: true,
        unify: Unify::ElementOfFirst,
        result: FIRST,
        compute: |values, _| of_array(values, |array| Ok(Value::array([&owned(&values[1..]), array].concat()))),
        ..PLAIN
    },
    Function {
        name: "ARRAY_REMOVE",
        form: "ARRAY_REMOVE(array, value)",
        about: "the array without the elements that are the value, which may be NULL",
        arguments: &[Kind::Array, Kind::Any],
        takes_null: true,
        unify: Unify::ElementOfFirst,
        result: FIRST,
        compute: |values, _| {
            let gone = &values[1];
            let kept =
                |array: &[Value<'static>]| array.iter().filter(|element| !is_same(element, gone)).cloned().collect();
            of_array(values, |array| Ok(Value::array(kept(array))))
        },
        ..PLAIN
    },
    Function {
        name: "ARRAY_REVERSE",
        form: "ARRAY_REVERSE(array)",
        about: "the last element first",
        arguments: &[Kind::Array],
        result: FIRST,
        compute: |values, _| Ok(Value::array(values[0].items().iter().rev().cloned().collect())),
        ..PLAIN
    },
    Function {
        name: "ARRAY_SLICE",
        form: "ARRAY_SLICE(array, from [, to])",
        about: "the elements of these positions, counted from 1, or from the end below 0",
        arguments: &[Kind::Array, Kind::Integer, Kind::Integer],
        required: 2,
        result: FIRST,
        compute: slice,
        ..PLAIN
    },
    Function {
        name: "ARRAY_SORT",
        form: "ARRAY_SORT(array [, ascending [, nulls first]])",
        about: "the elements in order; NULLs are first if ascending, unless said otherwise",
        arguments: &[Kind::Ordered, Kind::Boolean, Kind::Boolean],
        required: 1,
        result: FIRST,
        compute: sort,
        ..PLAIN
    },
    Function {
        name: "ARRAY_UNION",
        form: "ARRAY_UNION(array, array)",
        about: "the elements of both, each once",
        arguments: &[Kind::Array, Kind::Array],
        unify: Unify::All,
        result: FIRST,
        compute: |values, _| {
            let both = values.iter().flat_map(|array| array.items());
            Ok(Value::array(once(both, &mut HashSet::new())))
        },
        ..PLAIN
    },
    Function {
        name: "CARDINALITY",
        form: "CARDINALITY(array or map)",
        about: "how many elements or entries it has",
        arguments: &[Kind::Collection],
        result: Returns::Is(DataType::Int),
        compute: |values, _| Ok(Value::Integer((values[0].items().len() + values[0].entries().len()) as i64)),
        ..PLAIN
    },
    Function {
        name: "ELEMENT",
        form: "ELEMENT(array)",
        about: "its only element, NULL if it has none; if it has several, the job fails",
        arguments: &[Kind::Array],
        result: ELEMENT,
        compute: |values, _| match values[0].items() {
            [] => Ok(Value::Null),
            [only] => Ok(only.clone()),
            several => Err(failed("ELEMENT", format!("the array has {} elements", several.len()))),
        },
        ..PLAIN
    },
    Function {
        name: "MAP_ENTRIES",
        form: "MAP_ENTRIES(map)",
        about: "its entries as rows of key and value",
        arguments: &[Kind::Map],
        result: Returns::By("ARRAY<ROW<key, value>>", |arguments| {
            let (key, value) = entry(arguments);
            DataType::array(DataType::row(vec![("key".to_owned(), key), ("value".to_owned(), value)])?)
        }),
        compute: |values, _| {
            let entries = values[0].entries().iter();
            Ok(Value::array(entries.map(|(key, value)| Value::row(vec![key.clone(), value.clone()])).collect()))
        },
        ..PLAIN
    },
    Function {
        name: "MAP_FROM_ARRAYS",
        form: "MAP_FROM_ARRAYS(keys, values)",
        about: "a map of arrays of one length",
        arguments: &[Kind::Array, Kind::Array],
        result: Returns::By("MAP", |arguments| {
            let element = |at: usize| arguments.get(at).and_then(|array| array.data_type().element());
            DataType::map(element(0).unwrap_or(DataType::Null), element(1).unwrap_or(DataType::Null))
        }),
        compute: |values, _| {
            let (keys, of_keys) = (values[0].items(), values[1].items());
            if keys.len() != of_keys.len() {
                let why = format!("there are {} keys and {} values", keys.len(), of_keys.len());
                return Err(failed("MAP_FROM_ARRAYS", why));
            }
            Ok(Value::map(keys.iter().cloned().zip(of_keys.iter().cloned()).collect()))
        },
        ..PLAIN
    },
    Function {
        name: "MAP_KEYS",
        form: "MAP_KEYS(map)",
        about: "its keys",
        arguments: &[Kind::Map],
        result: Returns::By("ARRAY", |arguments| DataType::array(entry(arguments).0)),
        compute: |values, _| Ok(Value::array(values[0].entries().iter().map(|(key, _)| key.clone()).collect())),
        ..PLAIN
    },
    Function {
        name: "MAP_UNION",
        form: "MAP_UNION(map [, map]..)",
        about: "the entries of all; of one key the last",
        arguments: &[Kind::Map],
        repeats: true,
        unify: Unify::All,
        result: Returns::By("MAP", |arguments| Ok(arguments.first().map_or(DataType::Null, Expr::data_type))),
        compute: |values, _| Ok(Value::map(values.iter().flat_map(|map| map.entries()).cloned().collect())),
        ..PLAIN
    },
    Function {
        name: "MAP_VALUES",
        form: "MAP_VALUES(map)",
        about: "its values",
        arguments: &[Kind::Map],
        result: Returns::By("ARRAY", |arguments| DataType::array(entry(arguments).1)),
        compute: |values, _| Ok(Value::array(values[0].entries().iter().map(|(_, value)| value.clone()).collect())),
        ..PLAIN
    },
    Function {
        name: "SPLIT",
        form: "SPLIT(text, separator)",
        about: "the parts between the separators; of no separator the characters",
        arguments: &[Kind::Text, Kind::Text],
        result: Returns::By("ARRAY<STRING>", |_| Ok(DataType::TEXTS)),
        compute: split,
        ..PLAIN
    },
    Function {
        name: "STR_TO_MAP",
        form: "STR_TO_MAP(text [, regex between entries [, regex before values]])",
        about: "a map of what stands between `,` and around `=`, or other separators",
        arguments: &[Kind::Text, Kind::Text, Kind::Text],
        required: 1,
        result: Returns::By("MAP<STRING, STRING>", |_| Ok(DataType::MAP_OF_TEXTS)),
        compute: text_to_map,
        ..PLAIN
    },
];

/// Of the type of the first argument.
const FIRST: Returns = Returns::By("ARRAY", |arguments| Ok(arguments.first().map_or(DataType::Null, Expr::data_type)));

/// Of the type of its elements.
const ELEMENT: Returns = Returns::By("the element's type", |arguments| {
    Ok(arguments.first().and_then(|array| array.data_type().element()).unwrap_or(DataType::Null))
});

fn entry(arguments: &[Expr]) -> (DataType, DataType) {
    let of_map = arguments.first().and_then(|map| map.data_type().entry());
    of_map.unwrap_or((DataType::Null, DataType::Null))
}

fn failed(name: &str, why: String) -> EvalError {
    EvalError::Function { name: name.to_owned(), why }
}

fn owned(values: &[Value<'_>]) -> Vec<Value<'static>> {
    values.iter().map(|value| value.clone().into_owned()).collect()
}

/// Over the first argument's elements; NULL if that is NULL.
fn of_array(
    values: &[Value<'_>],
    compute: impl FnOnce(&[Value<'static>]) -> Result<Value<'static>>,
) -> Result<Value<'static>> {
    match values {
        [Value::Null, ..] => Ok(Value::Null),
        [array, ..] => compute(array.items()),
        [] => Err(MISSHAPEN),
    }
}

fn place_of(array: &[Value<'static>], value: &Value<'_>) -> Option<usize> {
    array.iter().position(|element| is_same(element, value))
}

/// Equality, in which NULL is NULL; not so inside of arrays.
fn is_same(a: &Value<'_>, b: &Value<'_>) -> bool {
    match (a.is_null(), b.is_null()) {
        (false, false) => compare(a, b).is_ok_and(|order| order == Some(Ordering::Equal)),
        (a, b) => a == b,
    }
}

/// Those that are not among `seen`, each once.
fn once<'v>(elements: impl Iterator<Item = &'v Value<'static>>, seen: &mut HashSet<Vec<u8>>) -> Vec<Value<'static>> {
    elements.filter(|element| seen.insert(bytes_of(element))).cloned().collect()
}

fn extreme(array: &Value<'_>, wanted: Ordering) -> Result<Value<'static>> {
    let mut best: Option<&Value<'static>> = None;
    for element in array.items().iter().filter(|element| !element.is_null()) {
        let better = match best {
            Some(best) => compare(element, best)? == Some(wanted),
            None => true,
        };
        if better {
            best = Some(element);
        }
    }
    Ok(best.cloned().unwrap_or(Value::Null))
}

fn join(values: &[Value<'_>], _: &Call<'_>) -> Result<Value<'static>> {
    let (array, separator, instead) = match values {
        [array, Value::String(separator)] => (array, separator, None),
        [array, Value::String(separator), Value::String(instead)] => (array, separator, Some(&**instead)),
        _ => return Err(MISSHAPEN),
    };
    let text = |element: &'_ Value<'static>| match element {
        Value::String(text) => Some(text.to_string()),
        _ => instead.map(str::to_owned),
    };
    Ok(string(array.items().iter().filter_map(text).collect::<Vec<_>>().join(separator)))
}

/// Flink: ArraySliceFunction.
fn slice(values: &[Value<'_>], _: &Call<'_>) -> Result<Value<'static>> {
    let array = values[0].items();
    let count = array.len() as i64;
    let place = |at: usize, default: i64| match values.get(at) {
        Some(Value::Integer(place)) if *place < 0 => place + count + 1,
        Some(Value::Integer(place)) => *place,
        _ => default,
    };
    let from = place(1, 1).max(1);
    let to = match place(2, count) {
        0 => count.min(1),
        to => to.min(count),
    };
    if to < from {
        return Ok(Value::array(Vec::new()));
    }
    Ok(Value::array(array[from as usize - 1..to as usize].to_vec()))
}

/// Flink: ArraySortFunction.
fn sort(values: &[Value<'_>], _: &Call<'_>) -> Result<Value<'static>> {
    let flag = |at: usize, default: bool| match values.get(at) {
        Some(Value::Boolean(flag)) => *flag,
        _ => default,
    };
    let ascending = flag(1, true);
    let nulls_first = flag(2, ascending);
    let (nulls, mut rest): (Vec<_>, Vec<_>) = values[0].items().iter().cloned().partition(Value::is_null);
    rest.sort_by(|a, b| {
        // There is one NaN, above all numbers, as Java's Double.compare has it.
        let order = match (a, b) {
            (Value::Double(a), Value::Double(b)) => {
                a.is_nan().cmp(&b.is_nan()).then_with(|| if a.is_nan() { Ordering::Equal } else { a.total_cmp(b) })
            }
            _ => compare(a, b).ok().flatten().unwrap_or(Ordering::Equal),
        };
        if ascending { order } else { order.reverse() }
    });
    Ok(Value::array(if nulls_first { [nulls, rest].concat() } else { [rest, nulls].concat() }))
}

fn split(values: &[Value<'_>], _: &Call<'_>) -> Result<Value<'static>> {
    let [Value::String(text), Value::String(separator)] = values else { return Err(MISSHAPEN) };
    let parts: Vec<Value<'static>> = match (&**text, &**separator) {
        ("", _) => Vec::new(),
        (text, "") => text.chars().map(string).collect(),
        (text, separator) => text.split(separator).map(string).collect(),
    };
    Ok(Value::array(parts))
}

/// Flink: SqlFunctionUtils.strToMap, by Java's String.split.
fn text_to_map(values: &[Value<'_>], _: &Call<'_>) -> Result<Value<'static>> {
    let text = |at: usize, default: &'static str| match values.get(at) {
        Some(Value::String(text)) => text.to_string(),
        _ => default.to_owned(),
    };
    let (text, between, before) = (text(0, ""), text(1, ","), text(2, "="));
    if text.is_empty() {
        return Ok(Value::map(Vec::new()));
    }
    let (Some(between), Some(before)) = (super::regex::compiled(&between), super::regex::compiled(&before)) else {
        return Err(failed("STR_TO_MAP", "a separator is no regular expression".to_owned()));
    };
    let mut parts: Vec<&str> = between.split(&text).collect();
    // Java drops empty parts at the end.
    while parts.last().is_some_and(|part| part.is_empty()) {
        parts.pop();
    }
    let entry = |part: &str| {
        let mut sides = before.splitn(part, 2);
        let key = sides.next().unwrap_or_default();
        (string(key), sides.next().map_or(Value::Null, string))
    };
    Ok(Value::map(parts.into_iter().map(entry).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(name: &str, values: &[Value<'static>]) -> Result<Value<'static>> {
        let function = COLLECTIONS.iter().find(|function| function.name == name).unwrap();
        (function.compute)(values, &Call { arguments: &[], result: DataType::Null })
    }

    fn integers(values: &[Option<i64>]) -> Value<'static> {
        Value::array(values.iter().map(|value| value.map_or(Value::Null, Value::Integer)).collect())
    }

    /// The cases of Flink's CollectionFunctionsITCase that are short.
    #[test]
    fn arrays_as_in_flink() {
        let array = integers(&[Some(1), None, Some(3), Some(1)]);
        let one = Value::Integer(1);
        assert_eq!(call("ARRAY_REMOVE", &[array.clone(), one.clone()]), Ok(integers(&[None, Some(3)])));
        assert_eq!(call("ARRAY_REMOVE", &[array.clone(), Value::Null]), Ok(integers(&[Some(1), Some(3), Some(1)])));
        assert_eq!(call("ARRAY_POSITION", &[array.clone(), Value::Integer(3)]), Ok(Value::Integer(3)));
        assert_eq!(call("ARRAY_POSITION", &[array.clone(), Value::Integer(9)]), Ok(Value::Integer(0)));
        assert_eq!(call("ARRAY_CONTAINS", &[array.clone(), Value::Null]), Ok(Value::Boolean(true)));
        assert_eq!(
            call("ARRAY_SORT", &[array.clone(), Value::Boolean(false)]),
            Ok(integers(&[Some(3), Some(1), Some(1), None]))
        );
        // One NaN of either sign, behind all numbers.
        let doubles = |values: [f64; 4]| Value::array(values.into_iter().map(Value::Double).collect());
        let Ok(sorted) = call("ARRAY_SORT", &[doubles([f64::INFINITY, -f64::NAN, -1.0, f64::NAN])]) else {
            panic!("not sorted")
        };
        assert_eq!(sorted.items()[..2], [Value::Double(-1.0), Value::Double(f64::INFINITY)]);
        assert!(sorted.items()[2..].iter().all(|value| matches!(value, Value::Double(v) if v.is_nan())));
        assert_eq!(call("ARRAY_MAX", std::slice::from_ref(&array)), Ok(Value::Integer(3)));
        assert_eq!(call("ARRAY_MIN", &[integers(&[None])]), Ok(Value::Null));
        let slice = |from, to| call("ARRAY_SLICE", &[array.clone(), Value::Integer(from), Value::Integer(to)]);
        assert_eq!(slice(i64::from(i32::MIN), 2), Ok(integers(&[Some(1), None])));
        assert_eq!(slice(3, i64::from(i32::MAX)), Ok(integers(&[Some(3), Some(1)])));
        assert_eq!(slice(9, 12), Ok(integers(&[])));
        assert_eq!(slice(0, 0), Ok(integers(&[Some(1)])));
        assert_eq!(call("ARRAY_SLICE", &[integers(&[]), Value::Integer(0), Value::Integer(0)]), Ok(integers(&[])));
        assert!(call("ELEMENT", &[array]).is_err());
        assert!(call("MAP_FROM_ARRAYS", &[integers(&[Some(1)]), integers(&[])]).is_err());
        assert_eq!(call("ELEMENT", &[integers(&[Some(7)])]), Ok(Value::Integer(7)));
    }
}
