//! The spans of a trace in the order of their parents, whatever the senders claim.

use std::collections::HashMap;

use crate::origin::SpanId;
use crate::span::ReceivedSpan;

/// How a span came to stand where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// It has no parent.
    Root,
    /// Under its parent.
    Child,
    /// Its parent is not among the spans received so far.
    ParentMissing,
    /// It is its own ancestor; the earliest span of such a circle stands first.
    Cycle,
}

/// One span's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Index into the spans that the tree was made from.
    pub span: usize,
    /// Number of ancestors above it.
    pub depth: usize,
    /// For each of its `depth` levels, the outermost first: does another span follow on that level?
    ///
    /// Only the outermost [`Tree::MAX_RAILS`] levels are kept.
    pub rails: Vec<bool>,
    /// Why it stands there.
    pub placement: Placement,
}

/// All spans of a trace, each exactly once, parents before children, siblings by start time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// In the order of showing.
    pub lines: Vec<Line>,
}

impl Tree {
    /// Levels of indentation worth drawing.
    pub const MAX_RAILS: usize = 24;

    /// Orders `spans`: without recursion, in O(n log n), for any parents at all.
    pub fn new(spans: &[ReceivedSpan]) -> Self {
        let mut by_id: HashMap<SpanId, usize> = HashMap::with_capacity(spans.len());
        for (at, span) in spans.iter().enumerate() {
            by_id.entry(span.span_id).or_insert(at);
        }
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); spans.len()];
        let mut tops: Vec<(usize, Placement)> = Vec::new();
        for (at, span) in spans.iter().enumerate() {
            match span.parent_span_id.map(|id| by_id.get(&id)) {
                None => tops.push((at, Placement::Root)),
                Some(None) => tops.push((at, Placement::ParentMissing)),
                Some(Some(parent)) => children[*parent].push(at),
            }
        }
        let start = |at: usize| (spans[at].span.start_time_unix_nano, at);
        children.iter_mut().for_each(|of_one| of_one.sort_by_key(|at| start(*at)));
        tops.sort_by_key(|(at, _)| start(*at));

        let mut walk = Walk { children, seen: vec![false; spans.len()], lines: Vec::with_capacity(spans.len()) };
        tops.into_iter().for_each(|(top, placement)| walk.descend(top, placement));
        // What no top leads to hangs on a circle of parents.
        let mut rest: Vec<usize> = (0..spans.len()).filter(|at| !walk.seen[*at]).collect();
        rest.sort_by_key(|at| start(*at));
        for at in rest {
            if !walk.seen[at] {
                walk.descend(at, Placement::Cycle);
            }
        }
        Self { lines: walk.lines }
    }
}

struct Walk {
    children: Vec<Vec<usize>>,
    seen: Vec<bool>,
    lines: Vec<Line>,
}

impl Walk {
    fn descend(&mut self, top: usize, placement: Placement) {
        self.seen[top] = true;
        let mut stack = vec![Line { span: top, depth: 0, rails: Vec::new(), placement }];
        while let Some(line) = stack.pop() {
            let mut below: Vec<usize> = std::mem::take(&mut self.children[line.span]);
            below.retain(|child| !std::mem::replace(&mut self.seen[*child], true));
            for (at, child) in below.iter().enumerate().rev() {
                let mut rails = line.rails.clone();
                if rails.len() < Tree::MAX_RAILS {
                    rails.push(at + 1 < below.len());
                }
                stack.push(Line { span: *child, depth: line.depth + 1, rails, placement: Placement::Child });
            }
            self.lines.push(line);
        }
    }
}
