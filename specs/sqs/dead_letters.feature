Feature: Dead letters
  Messages that nobody can handle are put aside, and can be brought back.

  Background:
    Given a queue "failed"
    And a queue "jobs"
    And the queue "jobs" gives up on messages to "failed" after 2 receives

  Scenario: A message is put aside after too many receives
    Given "resize" was sent to the queue "jobs"
    And I received from the queue "jobs"
    And 30 seconds have passed
    And I received from the queue "jobs"
    And 30 seconds have passed
    When I receive from the queue "jobs"
    Then I get nothing
    When I receive from the queue "failed"
    Then I get "resize"
    And the message tells
      | ApproximateReceiveCount  | 3                                    |
      | SentTimestamp            | 1767225600000                        |
      | DeadLetterQueueSourceArn | arn:aws:sqs:us-east-1:000000000000:jobs |

  Scenario: A message that is handled in time is not put aside
    Given "resize" was sent to the queue "jobs"
    And I received from the queue "jobs"
    And 30 seconds have passed
    And I received from the queue "jobs"
    When I delete "resize" from the queue "jobs"
    And 30 seconds pass
    Then the queue "jobs" holds 0 visible, 0 in flight and 0 delayed
    And the queue "failed" holds 0 visible, 0 in flight and 0 delayed

  Scenario: A dead-letter queue knows where its messages come from
    When I list the queues that give up to the queue "failed"
    Then I see the queue "jobs"

  Scenario: What was put aside is moved back
    Given "resize" was sent to the queue "jobs"
    And I received from the queue "jobs"
    And 30 seconds have passed
    And I received from the queue "jobs"
    And 30 seconds have passed
    And I received from the queue "jobs"
    When I start moving the messages of the queue "failed" back
    And 10 seconds pass
    Then the last move of the queue "failed" is "COMPLETED" with 1 moved
    And the queue "failed" holds 0 visible, 0 in flight and 0 delayed
    When I receive from the queue "jobs"
    Then I get "resize"

  Scenario: A slow move can be stopped
    When I send 10 messages to the queue "failed" in one batch
    And I start moving the messages of the queue "failed" to the queue "jobs" at 1 per second
    And 3 seconds pass
    And I cancel moving the messages of the queue "failed"
    And 60 seconds pass
    Then the queue "failed" holds more than 0 messages
    And the queue "jobs" holds more than 0 messages

  Scenario: A queue has one move at a time
    When I send 10 messages to the queue "failed" in one batch
    And I start moving the messages of the queue "failed" to the queue "jobs" at 1 per second
    And I start moving the messages of the queue "failed" to the queue "jobs"
    Then the call fails with "InvalidParameterValue", saying
      """
      There is already a task running. Only one active task is allowed for a source queue arn at a given time.
      """

  Scenario: A message that never was in another queue has nowhere to go back to
    Given "resize" was sent to the queue "failed"
    When I start moving the messages of the queue "failed" back
    And 10 seconds pass
    Then the last move of the queue "failed" is "FAILED" with 0 moved
    And the queue "failed" holds 1 visible, 0 in flight and 0 delayed

  Scenario: Only dead letters are moved
    When I start moving the messages of the queue "jobs" back
    Then the call fails with "InvalidParameterValue", saying
      """
      Source queue must be configured as a Dead Letter Queue.
      """
