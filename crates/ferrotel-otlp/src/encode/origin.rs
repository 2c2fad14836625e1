//! What stands around the items of every signal: `Resource…`, `Scope…`.
//!
//! The messages of the three signals have the same shape and the same field numbers.

use ferrotel::common::Scope;
use ferrotel::resource::Resource;

use super::group::{Groups, Item};
use super::value::attributes;
use super::wire::Writer;

/// The request's items, and the resources' and the scopes' groups of them.
const ITEMS: u8 = 0x0a;
const GROUP: u8 = 0x12;
const SCHEMA_URL: u8 = 0x1a;
/// The resource and the scope themselves.
const SELF: u8 = 0x0a;

/// A whole request, its items grouped by resource, then by scope; `write` writes an item's fields.
pub(super) fn grouped<T: Item>(
    out: &mut Writer,
    groups: &mut Groups,
    batch: &[T],
    mut write: impl FnMut(&mut Writer, &T),
) {
    groups.fill(batch);
    for group in groups.resources.iter().rev() {
        of_resource(out, &group.resource, |out| {
            for group in group.scopes.iter().rev() {
                of_scope(out, &group.scope, |out| {
                    for item in groups.last_to_first(group, batch) {
                        let before = out.len();
                        write(out, item);
                        out.close(GROUP, before);
                    }
                });
            }
        });
    }
    groups.clear();
}

/// All of one resource; `scopes` writes what it has.
#[inline]
pub(super) fn of_resource(out: &mut Writer, resource: &Resource, scopes: impl FnOnce(&mut Writer)) {
    let whole = out.len();
    out.text(SCHEMA_URL, &resource.schema_url);
    scopes(out);
    let before = out.len();
    out.count(0x10, resource.attributes.dropped());
    attributes(out, 0x0a, &resource.attributes);
    out.close(SELF, before);
    out.close(ITEMS, whole);
}

/// All of one scope; `items` writes what it has.
#[inline]
pub(super) fn of_scope(out: &mut Writer, scope: &Scope, items: impl FnOnce(&mut Writer)) {
    let whole = out.len();
    out.text(SCHEMA_URL, &scope.schema_url);
    items(out);
    let before = out.len();
    out.count(0x20, scope.attributes.dropped());
    attributes(out, 0x1a, &scope.attributes);
    out.text(0x12, &scope.version);
    out.text(0x0a, &scope.name);
    out.close(SELF, before);
    out.close(GROUP, whole);
}
