Feature: Long polling
  A receiver may wait for messages in place of asking again and again.

  Background:
    Given a queue "news"

  Scenario: A waiting receiver gets a message as soon as it is sent
    When I wait for a message from the queue "news" for up to 20 seconds
    Then the call still waits
    When I send "rain" to the queue "news"
    Then the waiting call gets "rain"

  Scenario: A waiting receiver goes home when nothing comes
    When I wait for a message from the queue "news" for up to 20 seconds
    Then the call still waits
    When 20 seconds pass
    Then the waiting call gets nothing

  Scenario: A waiting receiver gets a message that becomes visible again
    Given "rain" was sent to the queue "news"
    And I received from the queue "news"
    And 25 seconds have passed
    When I wait for a message from the queue "news" for up to 20 seconds
    Then the call still waits
    When 5 seconds pass
    Then the waiting call gets "rain"

  Scenario: A waiting receiver gets a delayed message when its delay is over
    When I send "rain" to the queue "news" with a delay of 10 seconds
    And I wait for a message from the queue "news" for up to 20 seconds
    Then the call still waits
    When 10 seconds pass
    Then the waiting call gets "rain"

  Scenario: A queue can make all its receivers wait
    When I set on the queue "news"
      | ReceiveMessageWaitTimeSeconds | 20 |
    And I wait for a message from the queue "news"
    Then the call still waits
    When I send "rain" to the queue "news"
    Then the waiting call gets "rain"

  Scenario Outline: Nobody waits longer than twenty seconds, or shorter than none
    When I receive from the queue "news", waiting up to <wait> seconds
    Then the call fails with "InvalidParameterValue", saying
      """
      Value <wait> for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.
      """

    Examples:
      | wait |
      | 21   |
      | -1   |
