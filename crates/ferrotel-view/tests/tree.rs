//! Every span stands in the tree once, whatever the parents say.

mod common;

use common::{received, service, span};
use ferrotel_view::{Placement, ReceivedSpan, Tree};
use proptest::prelude::*;

/// `(id, parent, start)`; parent 0 is none.
fn spans(list: &[(u32, u32, u64)]) -> Vec<ReceivedSpan> {
    let made = list.iter().map(|(id, parent, start)| span(*id, *parent, "work", *start, *start + 1));
    received(vec![service("shop", made.collect())])
}

/// `(id, depth, placement)` of each line.
fn shape(spans: &[ReceivedSpan]) -> Vec<(u64, usize, Placement)> {
    let id = |at: usize| u64::from_be_bytes(spans[at].span_id);
    Tree::new(spans).lines.iter().map(|line| (id(line.span), line.depth, line.placement)).collect()
}

#[test]
fn parents_come_before_children_and_siblings_by_start() {
    let list = spans(&[(4, 2, 30), (3, 1, 20), (2, 1, 10), (1, 0, 0), (5, 2, 15)]);
    let expected = [
        (1, 0, Placement::Root),
        (2, 1, Placement::Child),
        (5, 2, Placement::Child),
        (4, 2, Placement::Child),
        (3, 1, Placement::Child),
    ];
    assert_eq!(shape(&list), expected);
    let rails: Vec<Vec<bool>> = Tree::new(&list).lines.into_iter().map(|line| line.rails).collect();
    assert_eq!(rails, [vec![], vec![true], vec![true, true], vec![true, false], vec![false]]);
}

#[test]
fn a_missing_parent_is_told() {
    let list = spans(&[(2, 99, 5), (3, 2, 6), (1, 0, 0)]);
    let expected = [(1, 0, Placement::Root), (2, 0, Placement::ParentMissing), (3, 1, Placement::Child)];
    assert_eq!(shape(&list), expected);
}

#[test]
fn circles_are_cut_at_their_earliest_span() {
    assert_eq!(shape(&spans(&[(1, 1, 0)])), [(1, 0, Placement::Cycle)]);
    let list = spans(&[(1, 3, 5), (2, 1, 3), (3, 2, 4), (4, 3, 1), (9, 0, 9)]);
    let placed = shape(&list);
    assert_eq!(placed[0], (9, 0, Placement::Root));
    assert_eq!(placed[1], (4, 0, Placement::Cycle), "the earliest of what hangs on the circle");
    assert_eq!(placed.len(), 5);
}

#[test]
fn two_spans_with_one_id_both_stand_in_the_tree() {
    let mut list = spans(&[(1, 0, 0), (2, 1, 1), (3, 2, 2)]);
    list.extend(spans(&[(2, 1, 7)]));
    let placed = shape(&list);
    assert_eq!(placed.iter().map(|(id, depth, _)| (*id, *depth)).collect::<Vec<_>>(), [(1, 0), (2, 1), (3, 2), (2, 1)]);
}

#[test]
fn a_chain_of_a_hundred_thousand_spans_needs_no_stack() {
    let list: Vec<(u32, u32, u64)> = (1..=100_000).map(|id| (id, id - 1, 0)).collect();
    let list = spans(&list);
    let deepest = Tree::new(&list).lines.iter().map(|line| line.depth).max();
    assert_eq!(deepest, Some(99_999));
}

proptest! {
    #[test]
    fn every_span_stands_once_and_below_its_parent(parents in proptest::collection::vec((1_u32..12, 0_u32..12, 0_u64..5), 1..20)) {
        let list = spans(&parents);
        let tree = Tree::new(&list);
        let mut order: Vec<usize> = tree.lines.iter().map(|line| line.span).collect();
        order.sort_unstable();
        prop_assert_eq!(order, (0..list.len()).collect::<Vec<_>>());
        let mut above: Vec<usize> = Vec::new();
        for line in &tree.lines {
            prop_assert!(line.depth <= above.len());
            above.truncate(line.depth);
            prop_assert_eq!(line.placement == Placement::Child, line.depth > 0);
            if let (Placement::Child, Some(parent)) = (line.placement, above.last()) {
                prop_assert_eq!(Some(list[*parent].span_id), list[line.span].parent_span_id);
            }
            above.push(line.span);
        }
    }
}
