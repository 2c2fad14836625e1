//! From an attribute dict to the series that its measurements go to, without converting it again.
//!
//! Nothing here runs Python code: what is cached are exact dicts of exact strings, ints, floats, bools and None.

use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::Arc;

use ferrotel::common::Attributes;
use ferrotel::sdk::metrics::Series;
use hashbrown::HashTable;
use pyo3::ffi;

use crate::raw::Raw;

/// Dicts with more items are converted each time.
const MOST_ITEMS: usize = 16;
/// So many sets of attributes are kept; then all are forgotten. More than a stream tells apart by default.
const MOST_ENTRIES: usize = 4096;

/// The cache of one instrument.
#[derive(Default)]
pub struct SeriesCache {
    entries: HashTable<Box<Entry>>,
    /// The entry that was found last, which is one of [`entries`](Self::entries).
    last: Option<NonNull<Entry>>,
    /// The series of measurements without attributes.
    without: Option<Entry>,
}

/// One set of attributes.
pub struct Entry {
    hash: u64,
    /// Keys and values in the order in which they came, as references of our own.
    items: Box<[Item]>,
    /// What they were converted to.
    pub attributes: Arc<Attributes>,
    /// One for each of the instrument's streams.
    pub series: Box<[Arc<Series>]>,
}

type Item = (Raw, Raw);

// SAFETY: the references are only touched, and the entry only dropped, while attached.
unsafe impl Send for Entry {}
// SAFETY: as the entries, one of which `last` points to.
unsafe impl Send for SeriesCache {}

impl Drop for Entry {
    fn drop(&mut self) {
        for (key, value) in &self.items {
            // SAFETY: ours; attached, as everywhere in this module. The types' deallocation runs no Python code.
            unsafe {
                ffi::Py_DECREF(*key);
                ffi::Py_DECREF(*value);
            }
        }
    }
}

/// A dict that can be looked up. Its items are borrowed: no Python code may run while it lives.
pub struct Key {
    hash: u64,
    count: usize,
    items: [MaybeUninit<Item>; MOST_ITEMS],
}

impl Key {
    /// `None` for a dict with anything in it that is not of the simple types, or with too many items.
    ///
    /// # Safety
    /// Attached; `dict` is an exact dict.
    #[inline]
    pub unsafe fn of(dict: Raw) -> Option<Key> {
        let mut made = Key { hash: 0, count: 0, items: [MaybeUninit::uninit(); MOST_ITEMS] };
        let mut at = 0;
        let (mut key, mut value) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: the caller's promise; keys and values are alive while the dict is not changed.
        unsafe {
            while ffi::PyDict_Next(dict, &raw mut at, &raw mut key, &raw mut value) != 0 {
                if made.count == MOST_ITEMS
                    || ffi::PyUnicode_CheckExact(key) == 0
                    || ffi::PyUnicode_GET_LENGTH(key) == 0
                {
                    return None;
                }
                // A sum, since the order does not count.
                made.hash = made.hash.wrapping_add(mix(hash_of_str(key), hash_of_value(value)?));
                made.items[made.count].write((key, value));
                made.count += 1;
            }
        }
        Some(made)
    }

    #[inline]
    fn items(&self) -> &[Item] {
        // SAFETY: the first `count` were written.
        unsafe { std::slice::from_raw_parts(self.items.as_ptr().cast(), self.count) }
    }
}

impl SeriesCache {
    /// The entry of measurements without attributes.
    #[inline]
    pub fn without(&mut self) -> Option<&mut Entry> {
        self.without.as_mut()
    }

    /// The entry found last, where the dict has the very same objects in the same order: literals, mostly.
    ///
    /// # Safety
    /// Attached; `dict` is an exact dict.
    #[inline]
    pub unsafe fn again(&mut self, dict: Raw) -> Option<&mut Entry> {
        let mut last = self.last?;
        // SAFETY: entries stay where they are until they are let go, and then `last` is forgotten. The caller's promise.
        let entry = unsafe { last.as_mut() };
        let mut at = 0;
        let (mut key, mut value) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: the caller's promise.
        unsafe {
            if usize::try_from(ffi::PyDict_Size(dict)) != Ok(entry.items.len()) {
                return None;
            }
            for item in &entry.items {
                if ffi::PyDict_Next(dict, &raw mut at, &raw mut key, &raw mut value) == 0 || *item != (key, value) {
                    return None;
                }
            }
        }
        Some(entry)
    }

    /// The entry of a dict.
    #[inline]
    pub fn find(&mut self, key: &Key) -> Option<&mut Entry> {
        let entry =
            self.entries.find_mut(key.hash, |entry| entry.hash == key.hash && same(&entry.items, key.items()))?;
        let entry = &mut **entry;
        self.last = Some(NonNull::from(&mut *entry));
        Some(entry)
    }

    /// Keeps the series of a dict, or without `key` those of measurements without attributes.
    pub fn insert(&mut self, key: Option<&Key>, attributes: Arc<Attributes>, series: Box<[Arc<Series>]>) -> &mut Entry {
        let Some(key) = key else {
            return self.without.insert(Entry { hash: 0, items: Box::default(), attributes, series });
        };
        if self.entries.len() >= MOST_ENTRIES {
            self.last = None;
            self.entries.clear();
        }
        for (key, value) in key.items() {
            // SAFETY: alive, as `Key` says; the entry gives them back.
            unsafe {
                ffi::Py_INCREF(*key);
                ffi::Py_INCREF(*value);
            }
        }
        let entry = Box::new(Entry { hash: key.hash, items: key.items().into(), attributes, series });
        self.entries.insert_unique(key.hash, entry, |entry| entry.hash).into_mut()
    }
}

#[inline]
fn same(kept: &[Item], given: &[Item]) -> bool {
    kept == given || (kept.len() == given.len() && same_content(kept, given))
}

/// The same by content: the same literals are the same objects, but not what a program puts together.
fn same_content(kept: &[Item], given: &[Item]) -> bool {
    given.iter().enumerate().all(|(at, (key, value))| {
        // Mostly in the same order.
        let found = if same_str(kept[at].0, *key) {
            Some(&kept[at])
        } else {
            kept.iter().find(|(known, _)| same_str(*known, *key))
        };
        found.is_some_and(|(_, known)| same_value(*known, *value))
    })
}

#[inline]
fn same_str(a: Raw, b: Raw) -> bool {
    // SAFETY: both are exact strings.
    a == b || unsafe { hash_of_str(a) == hash_of_str(b) && ffi::PyUnicode_Compare(a, b) == 0 }
}

#[inline]
fn same_value(a: Raw, b: Raw) -> bool {
    if a == b {
        return true;
    }
    // SAFETY: both are exact objects of the simple types, with ints that fit.
    unsafe {
        let kind = ffi::Py_TYPE(a);
        if kind != ffi::Py_TYPE(b) {
            return false;
        }
        if ffi::PyUnicode_CheckExact(a) != 0 {
            return same_str(a, b);
        }
        if ffi::PyLong_CheckExact(a) != 0 {
            return ffi::PyLong_AsLongLong(a) == ffi::PyLong_AsLongLong(b);
        }
        // The two bools are two objects, and None is one.
        ffi::PyFloat_CheckExact(a) != 0 && ffi::PyFloat_AS_DOUBLE(a).to_bits() == ffi::PyFloat_AS_DOUBLE(b).to_bits()
    }
}

/// # Safety
/// An exact string.
#[inline]
unsafe fn hash_of_str(text: Raw) -> u64 {
    // SAFETY: the caller's promise. A string's hash is kept in it, and computing it runs no foreign code.
    unsafe {
        let kept = (*text.cast::<ffi::PyASCIIObject>()).hash;
        let hash = if kept == -1 { ffi::PyObject_Hash(text) } else { kept };
        hash as u64
    }
}

/// # Safety
/// A live object.
#[inline]
unsafe fn hash_of_value(value: Raw) -> Option<u64> {
    // SAFETY: the caller's promise; exact types, whose functions run no foreign code.
    unsafe {
        if ffi::PyUnicode_CheckExact(value) != 0 {
            return Some(hash_of_str(value));
        }
        if ffi::PyLong_CheckExact(value) != 0 {
            let mut overflow = 0;
            let small = ffi::PyLong_AsLongLongAndOverflow(value, &raw mut overflow);
            return (overflow == 0).then_some(small as u64 ^ 0x1);
        }
        if ffi::PyFloat_CheckExact(value) != 0 {
            return Some(ffi::PyFloat_AS_DOUBLE(value).to_bits() ^ 0x2);
        }
        (ffi::PyBool_Check(value) != 0 || value == ffi::Py_None()).then_some(value as u64)
    }
}

#[inline]
fn mix(key: u64, value: u64) -> u64 {
    let word = (key ^ value.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(value);
    (word ^ (word >> 32)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}
