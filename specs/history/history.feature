Feature: The history of calls
  Virga keeps a journal of every call: who made it, what it sent, how it ended. A journal is saved to a file and sent again to
  any Virga, so that a failure can be looked at as often as it takes.

  Scenario: A failure shows what was sent
    Given a Virga of my own
    And I create the queue "mail"
    And I ask for the queue "male", which is not there
    When I show the calls that failed, with what they sent
    Then I see "sqs.GetQueueUrl"
    And I see "QueueDoesNotExist"
    And I see "male"
    And I do not see "CreateQueue"

  Scenario: A session is played again on another Virga with its seed
    Given a Virga of my own with seed 7
    And I create the queue "mail"
    And I send, receive and delete 5 messages
    And I ask for the queue "male", which is not there
    When I save the calls
    And I replay them against another Virga with seed 7
    Then every call ended as recorded
    And every answer was the same

  Scenario: Another Virga draws other ids
    Given a Virga of my own with seed 7
    And I create the queue "mail"
    And I send, receive and delete 5 messages
    When I save the calls
    And I replay them against another Virga without a seed
    Then every call ended as recorded
    And 5 calls carried the new receipt handles
    And the queue "mail" of the other Virga is empty

  Scenario: Keys that were issued on the way are issued again
    Given a Virga of my own
    And I call as the role "reader"
    When I save the calls
    And I replay them against another Virga without a seed
    Then every call ended as recorded
    And no secret is in the file

  Scenario: Time passes as it did then
    Given a Virga of my own with seed 7
    And I create the queue "mail"
    And I send a message that is delayed by 600 seconds
    And I let 599 seconds pass and receive nothing
    And I let 1 second pass and receive it
    When I save the calls
    And I replay them against another Virga with seed 7
    Then every call ended as recorded
    And every answer was the same

  Scenario: A replay that ends otherwise says where
    Given a Virga of my own
    And I create the queue "mail", whose messages stay hidden for 30 seconds
    When I save the calls
    And I replay them against another Virga, which has a queue "mail" with other attributes
    Then the replay tells that "sqs.CreateQueue" was 200 and is "400 QueueNameExists"
    And its exit code is 1

  Scenario: Half a file is not sent at all
    Given a Virga of my own
    And I create the queue "mail"
    When I save the calls
    And I lose the end of the file
    And I replay them against another Virga without a seed
    Then the replay tells that the file is damaged
    And its exit code is 2
    And the other Virga was not called
