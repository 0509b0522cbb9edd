//! Values that live as long as an instance of the function, and are shared by the requests that it serves.
//!
//! Only what belongs to nobody may go here: a catalog, a configuration, a key set; never a part of a request.

use std::{
    any::{Any, TypeId},
    cell::RefCell,
    rc::Rc,
};

/// One value per type; there are a handful.
#[derive(Default)]
pub(crate) struct Instance(RefCell<Vec<(TypeId, Rc<dyn Any>)>>);

impl Instance {
    pub(crate) fn get<T: 'static>(&self) -> Option<Rc<T>> {
        let values = self.0.borrow();
        let (_, value) = values.iter().find(|(of, _)| *of == TypeId::of::<T>())?;
        value.clone().downcast().ok()
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    pub(crate) fn put<T: 'static>(&self, value: T) -> Rc<T> {
        let value = Rc::new(value);
        let mut values = self.0.borrow_mut();
        values.retain(|(of, _)| *of != TypeId::of::<T>());
        values.push((TypeId::of::<T>(), value.clone()));
        value
    }
}
