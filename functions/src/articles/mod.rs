//! Articles of a topic: `/api/topics/{topic}/articles`.

use crate::route::routes;

routes! { import, search, delete }
