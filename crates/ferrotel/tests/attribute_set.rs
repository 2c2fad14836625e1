//! When two sets of attributes are the same.

use ferrotel::common::attribute_set::{hash, same_set};
use ferrotel::common::{Attributes, Value};
use proptest::prelude::*;

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Empty),
        any::<bool>().prop_map(Value::Bool),
        (-2..3_i64).prop_map(Value::Int),
        prop::sample::select(vec![0.0, -0.0, 1.0, f64::NAN, -f64::NAN, f64::INFINITY]).prop_map(Value::Double),
        "[a-c]{0,20}".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..3).prop_map(Value::from),
        "[0-9]{20}".prop_map(|digits| Value::BigInt(digits.into())),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        let pairs = prop::collection::btree_map("[a-c]{1,2}", inner.clone(), 0..3);
        prop_oneof![
            prop::collection::vec(inner, 0..3).prop_map(Value::from),
            pairs.prop_map(|pairs| Value::Map(pairs.into_iter().map(|(key, value)| (key.into(), value)).collect())),
        ]
    })
}

fn attributes() -> impl Strategy<Value = Vec<(String, Value)>> {
    prop::collection::btree_map("[a-c]{0,12}", value(), 0..5).prop_map(|pairs| pairs.into_iter().collect())
}

fn set(pairs: Vec<(String, Value)>) -> Attributes {
    pairs.into_iter().collect()
}

proptest! {
    #[test]
    fn the_order_does_not_matter((pairs, shuffled) in attributes().prop_flat_map(|pairs| (Just(pairs.clone()), Just(pairs).prop_shuffle())), seed in any::<u64>()) {
        let (ours, theirs) = (set(pairs), set(shuffled));
        prop_assert!(same_set(&ours, &theirs));
        prop_assert_eq!(hash(&ours, seed), hash(&theirs, seed));
    }

    /// With NaN for every NaN and one zero for both, the same set is what is written in the same way.
    #[test]
    fn sets_are_the_same_where_their_text_is(ours in attributes(), theirs in attributes(), seed in any::<u64>()) {
        let text = |pairs: &Vec<(String, Value)>| format!("{pairs:?}").replace("-0.0", "0.0").replace("-NaN", "NaN");
        let expected = text(&ours) == text(&theirs);
        let (ours, theirs) = (set(ours), set(theirs));
        prop_assert_eq!(same_set(&ours, &theirs), expected);
        prop_assert!(!expected || hash(&ours, seed) == hash(&theirs, seed));
    }

    #[test]
    fn one_attribute_more_is_another_set(pairs in attributes(), value in value()) {
        let ours = set(pairs.clone());
        let more = set(pairs.into_iter().chain([("another key".to_owned(), value)]).collect());
        prop_assert!(!same_set(&ours, &more) && !same_set(&more, &ours));
    }
}

#[test]
fn hashes_of_similar_sets_rarely_collide() {
    let one = |n: i64, text: &str| hash(&Attributes::from_iter([("n", Value::Int(n)), ("s", text.into())]), 7);
    let mut seen: Vec<u64> =
        (0..50_000).flat_map(|n| ["", "a", "b", "aaaaaaaa", "aaaaaaab"].map(|text| one(n, text))).collect();
    // The bits that a hash table uses, too: the lowest 17 and the highest 7.
    let mut low: Vec<u64> = seen.iter().map(|hash| hash & 0x1_ffff | (hash >> 57) << 17).collect();
    let count = seen.len();
    for hashes in [&mut seen, &mut low] {
        hashes.sort_unstable();
        hashes.dedup();
    }
    assert_eq!(seen.len(), count);
    // 250,000 random numbers below 2^24 are 248,148 different ones, give or take 43.
    assert!(low.len() > 247_900, "{}", low.len());
}
