//! A batch in OTLP's order: by resource, then by scope, each in the order of first appearance.

use std::sync::Arc;

use ferrotel::common::Scope;
use ferrotel::resource::Resource;
use ferrotel::sdk::trace::FinishedSpan;

/// No earlier span.
const NONE: u32 = u32::MAX;

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
    /// For each span the one before it in its group.
    previous: Vec<u32>,
}

impl Groups {
    /// Sorts `batch`. Groups are found by address, and by content only where the address is new.
    pub fn fill(&mut self, batch: &[FinishedSpan]) {
        self.clear();
        self.previous.reserve(batch.len());
        let (mut resource_at, mut scope_at) = (0, 0);
        for (index, span) in batch.iter().enumerate() {
            let span = span.read();
            let known = self.resources.get(resource_at).is_some_and(|group| {
                Arc::ptr_eq(&group.resource, &span.resource)
                    && group.scopes.get(scope_at).is_some_and(|group| Arc::ptr_eq(&group.scope, &span.scope))
            });
            if !known {
                resource_at = self.resource(&span.resource);
                scope_at = self.resources[resource_at].scope(&span.scope);
            }
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

    /// The group's spans in `batch`, last to first.
    pub fn last_to_first<'a>(
        &'a self,
        group: &ScopeGroup,
        batch: &'a [FinishedSpan],
    ) -> impl Iterator<Item = &'a FinishedSpan> {
        let mut at = group.last;
        std::iter::from_fn(move || {
            let span = batch.get(at as usize)?;
            at = self.previous[at as usize];
            Some(span)
        })
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
