//! A batch in OTLP's order: by resource, then by scope, each in the order of first appearance.

use std::sync::Arc;

use ferrotel::common::Scope;
use ferrotel::resource::Resource;
use ferrotel::sdk::logs::FinishedLogRecord;
use ferrotel::sdk::trace::FinishedSpan;

/// No earlier item.
const NONE: u32 = u32::MAX;

/// What a batch consists of.
pub(super) trait Item {
    /// Hands where it was made, and by whom, to `look`.
    fn with_origin<R>(&self, look: impl FnOnce(&Arc<Resource>, &Arc<Scope>) -> R) -> R;
}

impl Item for FinishedSpan {
    #[inline]
    fn with_origin<R>(&self, look: impl FnOnce(&Arc<Resource>, &Arc<Scope>) -> R) -> R {
        let span = self.read();
        look(&span.resource, &span.scope)
    }
}

impl Item for FinishedLogRecord {
    #[inline]
    fn with_origin<R>(&self, look: impl FnOnce(&Arc<Resource>, &Arc<Scope>) -> R) -> R {
        look(&self.resource, &self.scope)
    }
}

pub(super) struct ResourceGroup {
    pub resource: Arc<Resource>,
    pub scopes: Vec<ScopeGroup>,
}

pub(super) struct ScopeGroup {
    pub scope: Arc<Scope>,
    last: u32,
}

/// The groups of one batch; its memory serves the next one.
#[derive(Default)]
pub(super) struct Groups {
    pub resources: Vec<ResourceGroup>,
    /// For each item the one before it in its group.
    previous: Vec<u32>,
}

impl Groups {
    /// Sorts `batch`. Groups are found by address, and by content only where the address is new.
    pub fn fill(&mut self, batch: &[impl Item]) {
        self.clear();
        self.previous.reserve(batch.len());
        let (mut resource_at, mut scope_at) = (0, 0);
        for (index, item) in batch.iter().enumerate() {
            item.with_origin(|resource, scope| {
                let known = self.resources.get(resource_at).is_some_and(|group| {
                    Arc::ptr_eq(&group.resource, resource)
                        && group.scopes.get(scope_at).is_some_and(|group| Arc::ptr_eq(&group.scope, scope))
                });
                if !known {
                    resource_at = self.resource(resource);
                    scope_at = self.resources[resource_at].scope(scope);
                }
            });
            let group = &mut self.resources[resource_at].scopes[scope_at];
            self.previous.push(group.last);
            group.last = index as u32;
        }
    }

    /// Lets go of the batch's resources and scopes.
    pub fn clear(&mut self) {
        self.resources.clear();
        self.previous.clear();
    }

    /// The group's items in `batch`, last to first.
    pub fn last_to_first<'a, T>(&'a self, group: &ScopeGroup, batch: &'a [T]) -> impl Iterator<Item = &'a T> {
        let mut at = group.last;
        std::iter::from_fn(move || {
            let item = batch.get(at as usize)?;
            at = self.previous[at as usize];
            Some(item)
        })
    }

    /// The group's items in `batch`, first to last.
    pub fn first_to_last<'a, T>(&'a self, group: &ScopeGroup, batch: &'a [T]) -> Vec<&'a T> {
        let mut items: Vec<_> = self.last_to_first(group, batch).collect();
        items.reverse();
        items
    }

    #[cold]
    fn resource(&mut self, resource: &Arc<Resource>) -> usize {
        let place = position(&self.resources, |group| &group.resource, resource);
        place.unwrap_or_else(|| {
            self.resources.push(ResourceGroup { resource: resource.clone(), scopes: Vec::new() });
            self.resources.len() - 1
        })
    }
}

impl ResourceGroup {
    fn scope(&mut self, scope: &Arc<Scope>) -> usize {
        position(&self.scopes, |group| &group.scope, scope).unwrap_or_else(|| {
            self.scopes.push(ScopeGroup { scope: scope.clone(), last: NONE });
            self.scopes.len() - 1
        })
    }
}

fn position<G, T: PartialEq>(groups: &[G], of: impl Fn(&G) -> &Arc<T>, wanted: &Arc<T>) -> Option<usize> {
    let same = groups.iter().position(|group| Arc::ptr_eq(of(group), wanted));
    same.or_else(|| groups.iter().position(|group| **of(group) == **wanted))
}
