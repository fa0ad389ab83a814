//! Amazon SQS: standard and FIFO queues, dead letters and their redrive.

mod access;
mod address;
mod due;
mod errors;
mod limits;
mod ops;
mod queue;
mod shelf;
mod state;
pub mod wire;

use ops::{attribute, batch, message, move_task, permission, queue as queues, receive, send, tag};
use virga_service::{Service, Validation};

/// The service.
pub fn service() -> Service {
    Service::new(wire::MODEL, Validation::Own)
        .anonymous()
        .tables(&state::TABLES)
        .setting(
            ops::queue::DELETE_WAIT,
            "0",
            "Seconds after a queue's deletion in which no queue of its name can be made; AWS has 60.",
        )
        .on(wire::CREATE_QUEUE, queues::create)
        .on(wire::DELETE_QUEUE, queues::delete)
        .on(wire::GET_QUEUE_URL, queues::url)
        .on(wire::LIST_QUEUES, queues::list)
        .on(wire::PURGE_QUEUE, queues::purge)
        .on(wire::GET_QUEUE_ATTRIBUTES, attribute::get)
        .on(wire::SET_QUEUE_ATTRIBUTES, attribute::set)
        .on(wire::LIST_DEAD_LETTER_SOURCE_QUEUES, attribute::list_sources)
        .on(wire::SEND_MESSAGE, send::send)
        .on(wire::SEND_MESSAGE_BATCH, batch::send)
        .on(wire::RECEIVE_MESSAGE, receive::receive)
        .on(wire::DELETE_MESSAGE, message::delete)
        .on(wire::DELETE_MESSAGE_BATCH, batch::delete)
        .on(wire::CHANGE_MESSAGE_VISIBILITY, message::change_visibility)
        .on(wire::CHANGE_MESSAGE_VISIBILITY_BATCH, batch::change_visibility)
        .on(wire::ADD_PERMISSION, permission::add)
        .on(wire::REMOVE_PERMISSION, permission::remove)
        .on(wire::TAG_QUEUE, tag::tag)
        .on(wire::UNTAG_QUEUE, tag::untag)
        .on(wire::LIST_QUEUE_TAGS, tag::list)
        .on(wire::START_MESSAGE_MOVE_TASK, move_task::start)
        .on(wire::CANCEL_MESSAGE_MOVE_TASK, move_task::cancel)
        .on(wire::LIST_MESSAGE_MOVE_TASKS, move_task::list)
        .due(due::SWEEP, due::sweep)
        .due(due::DROP, due::drop_rows)
        .due(due::MOVE, move_task::step)
}
