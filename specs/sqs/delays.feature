Feature: Delays
  A message can be sent now and be visible later.

  Scenario: A delayed message appears when its delay is over
    Given a queue "mail"
    When I send "hello" to the queue "mail" with a delay of 60 seconds
    Then the queue "mail" holds 0 visible, 0 in flight and 1 delayed
    When 59 seconds pass
    And I receive from the queue "mail"
    Then I get nothing
    When 1 second passes
    Then the queue "mail" holds 1 visible, 0 in flight and 0 delayed
    When I receive from the queue "mail"
    Then I get "hello"

  Scenario: A queue can delay everything that is sent to it
    Given a queue "mail" with
      | DelaySeconds | 30 |
    When I send "hello" to the queue "mail"
    And 29 seconds pass
    And I receive from the queue "mail"
    Then I get nothing
    When 1 second passes
    And I receive from the queue "mail"
    Then I get "hello"

  Scenario: A message's own delay comes before the queue's
    Given a queue "mail" with
      | DelaySeconds | 30 |
    When I send "urgent" to the queue "mail" with a delay of 0 seconds
    And I receive from the queue "mail"
    Then I get "urgent"

  Scenario: Fifteen minutes is the longest delay
    Given a queue "mail"
    When I send "hello" to the queue "mail" with a delay of 901 seconds
    Then the call fails with "InvalidParameterValue"
