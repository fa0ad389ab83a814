Feature: Visibility timeout
  Who receives a message has it alone for a while. A message that is not deleted in time comes back.

  Scenario: A received message is hidden for thirty seconds
    Given a queue "jobs"
    And "resize" was sent to the queue "jobs"
    When I receive from the queue "jobs"
    Then I get "resize"
    When 29 seconds pass
    And I receive from the queue "jobs"
    Then I get nothing
    When 1 second passes
    And I receive from the queue "jobs"
    Then I get "resize"
    And the message tells
      | ApproximateReceiveCount | 2 |

  Scenario: A queue has its own timeout
    Given a queue "jobs" with
      | VisibilityTimeout | 120 |
    And "resize" was sent to the queue "jobs"
    And I received from the queue "jobs"
    When 119 seconds pass
    And I receive from the queue "jobs"
    Then I get nothing
    When 1 second passes
    And I receive from the queue "jobs"
    Then I get "resize"

  Scenario: A receiver may choose the timeout
    Given a queue "jobs"
    And "resize" was sent to the queue "jobs"
    When I receive from the queue "jobs", hiding what I get for 5 seconds
    And 5 seconds pass
    And I receive from the queue "jobs"
    Then I get "resize"

  Scenario: A receiver that needs longer asks for more time
    Given a queue "jobs"
    And "resize" was sent to the queue "jobs"
    And I received from the queue "jobs"
    And 20 seconds have passed
    When I hide "resize" of the queue "jobs" for 60 seconds
    And 59 seconds pass
    And I receive from the queue "jobs"
    Then I get nothing
    When 1 second passes
    And I receive from the queue "jobs"
    Then I get "resize"

  Scenario: A receiver that cannot go on gives the message back
    Given a queue "jobs"
    And "resize" was sent to the queue "jobs"
    And I received from the queue "jobs"
    When I hide "resize" of the queue "jobs" for 0 seconds
    And I receive from the queue "jobs"
    Then I get "resize"

  Scenario: Twelve hours is the longest
    Given a queue "jobs"
    And "resize" was sent to the queue "jobs"
    And I received from the queue "jobs"
    When I hide "resize" of the queue "jobs" for 43201 seconds
    Then the call fails with "InvalidParameterValue"
