//! Random values.

use std::sync::Arc;

use ferrotel::common::{Attributes, Scope, Text, Value};
use ferrotel::resource::Resource;
use proptest::collection::vec;
use proptest::prelude::*;

pub fn text() -> impl Strategy<Value = Text> {
    prop_oneof![4 => "[a-z.]{0,12}", 2 => any::<String>(), 1 => "[ -~]{100,160}"].prop_map(Text::from)
}

pub fn value(doubles: impl Strategy<Value = f64> + Clone + 'static) -> impl Strategy<Value = Value> + Clone {
    let leaf = prop_oneof![
        Just(Value::Empty),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (-200i64..200).prop_map(Value::Int),
        doubles.prop_filter("equal to itself", |value| !value.is_nan()).prop_map(Value::Double),
        text().prop_map(Value::String),
        vec(any::<u8>(), 0..140).prop_map(Value::from),
        "-?[1-9][0-9]{20,40}".prop_map(|digits| Value::BigInt(digits.into())),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(|items| Value::Array(items.into())),
            vec((text(), inner), 0..5).prop_map(|items| Value::Map(items.into())),
        ]
    })
    .boxed()
}

pub fn some_attributes(
    values: impl Strategy<Value = Value> + Clone + 'static,
) -> impl Strategy<Value = Attributes> + Clone {
    (vec((text(), values), 0..5), prop_oneof![3 => Just(0), 1 => any::<u32>()])
        .prop_map(|(items, dropped)| {
            let mut attributes: Attributes = items.into_iter().collect();
            attributes.set_dropped(dropped);
            attributes
        })
        .boxed()
}

/// Some resources.
pub fn resources(attributes: impl Strategy<Value = Attributes> + 'static) -> impl Strategy<Value = Vec<Arc<Resource>>> {
    let resource = (attributes, text())
        .prop_map(|(attributes, schema_url)| Arc::new(Resource { attributes, schema_url, ..Resource::default() }));
    vec(resource, 1..3)
}

/// Some scopes.
pub fn scopes(attributes: impl Strategy<Value = Attributes> + 'static) -> impl Strategy<Value = Vec<Arc<Scope>>> {
    let scope = (text(), text(), text(), attributes).prop_map(|(name, version, schema_url, attributes)| {
        Arc::new(Scope { name, version, schema_url, attributes, ..Scope::default() })
    });
    vec(scope, 1..4)
}
