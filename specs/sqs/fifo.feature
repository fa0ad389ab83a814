Feature: FIFO queues
  Messages of a group arrive once and in the order in which they were sent.

  Background:
    Given a FIFO queue "payments.fifo"

  Scenario: The order within a group is kept
    Given "first" was sent to the queue "payments.fifo" in group "alice"
    And "second" was sent to the queue "payments.fifo" in group "alice"
    And "third" was sent to the queue "payments.fifo" in group "alice"
    When I receive from the queue "payments.fifo"
    Then I get "first", "second", "third"
    And each sequence number is greater than the one before

  Scenario: A group waits for those under way, others go on
    Given "first" was sent to the queue "payments.fifo" in group "alice"
    And "second" was sent to the queue "payments.fifo" in group "alice"
    And "other" was sent to the queue "payments.fifo" in group "bob"
    When I receive from the queue "payments.fifo" 1 at most
    Then I get "first"
    When I receive from the queue "payments.fifo"
    Then I get "other"
    When I delete "first" from the queue "payments.fifo"
    And I receive from the queue "payments.fifo"
    Then I get "second"

  Scenario: A message that was not handled in time comes back before those behind it
    Given "first" was sent to the queue "payments.fifo" in group "alice"
    And "second" was sent to the queue "payments.fifo" in group "alice"
    When I receive from the queue "payments.fifo" 1 at most
    And 30 seconds pass
    And I receive from the queue "payments.fifo"
    Then I get "first", "second"

  Scenario: What was sent twice within five minutes arrives once
    When I send "pay 10" to the queue "payments.fifo" in group "alice" as "order-1"
    And I send "pay 10" to the queue "payments.fifo" in group "alice" as "order-1"
    And I receive from the queue "payments.fifo"
    Then I get "pay 10"
    When I delete "pay 10" from the queue "payments.fifo"
    And 4 minutes pass
    And I send "pay 10" to the queue "payments.fifo" in group "alice" as "order-1"
    And I receive from the queue "payments.fifo"
    Then I get nothing

  Scenario: After five minutes the same id is new again
    When I send "pay 10" to the queue "payments.fifo" in group "alice" as "order-1"
    And I receive from the queue "payments.fifo"
    And I delete "pay 10" from the queue "payments.fifo"
    And 301 seconds pass
    And I send "pay 10" to the queue "payments.fifo" in group "alice" as "order-1"
    And I receive from the queue "payments.fifo"
    Then I get "pay 10"

  Scenario: A queue can take the content for the id
    Given a FIFO queue "notes.fifo" with
      | ContentBasedDeduplication | true |
    When I send "hello" to the queue "notes.fifo" in group "alice" without an id
    And I send "hello" to the queue "notes.fifo" in group "alice" without an id
    And I send "world" to the queue "notes.fifo" in group "alice" without an id
    And I receive from the queue "notes.fifo"
    Then I get "hello", "world"

  Scenario: Otherwise every message needs an id
    When I send "hello" to the queue "payments.fifo" in group "alice" without an id
    Then the call fails with "InvalidParameterValue", saying
      """
      The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly
      """

  Scenario: Every message needs a group
    When I send "hello" to the queue "payments.fifo"
    Then the call fails with "MissingParameter", saying
      """
      The request must contain the parameter MessageGroupId.
      """

  Scenario: Single messages cannot be delayed
    When I send "hello" to the queue "payments.fifo" in group "alice", delayed by 2 seconds
    Then the call fails with "InvalidParameterValue", saying
      """
      Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type.
      """

  Scenario: The name says that a queue is FIFO
    When I create the queue "payments" with
      | FifoQueue | true |
    Then the call fails with "InvalidParameterValue"
