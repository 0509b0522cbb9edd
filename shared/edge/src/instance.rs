//! Values that live as long as an instance of the function, and are shared by the requests that it serves.
//!
//! Only what belongs to nobody may go here: a catalog, a configuration, a key set; never a part of a request.

use std::{
    any::{Any, TypeId},
    cell::RefCell,
    collections::HashMap,
    rc::Rc,
};

/// One value per type.
#[derive(Default)]
pub(crate) struct Instance(RefCell<HashMap<TypeId, Rc<dyn Any>>>);

impl Instance {
    pub(crate) fn get<T: 'static>(&self) -> Option<Rc<T>> {
        let value = self.0.borrow().get(&TypeId::of::<T>())?.clone();
        value.downcast().ok()
    }

    pub(crate) fn put<T: 'static>(&self, value: T) -> Rc<T> {
        let value = Rc::new(value);
        self.0.borrow_mut().insert(TypeId::of::<T>(), value.clone());
        value
    }
}
