Feature: What a snapshot holds
  A file has everything of its cloud: what lies in queues, what is in flight, what is due later, and the time.

  Scenario: Messages in flight come back when their timeout is over
    Given a cloud with the queue "mail" that holds "rain"
    And its clock stands still
    When I receive "rain" from "mail" for 30 seconds
    And the whole cloud is saved to "cloud.snap"
    Given another cloud
    When I load "cloud.snap" there
    Then there the queue "mail" gives nothing
    When 31 seconds pass there
    Then there the queue "mail" gives "rain"

  Scenario: Delays go on where the clock stood
    Given a cloud with the queue "mail" that holds "rain"
    And its clock stands still
    When I send "snow" to "mail" with a delay of 60 seconds
    And the whole cloud is saved to "cloud.snap"
    Given another cloud
    When I load "cloud.snap" there
    Then there the queue "mail" gives "rain"
    When 61 seconds pass there
    Then there the queue "mail" gives "rain", "snow"

  Scenario: All worlds are in a whole cloud
    Given a cloud with the queue "mail" that holds "rain"
    And a fork "test-1" where "snow" was sent to "mail"
    When the whole cloud is saved to "cloud.snap"
    Given another cloud
    When I load "cloud.snap" there
    Then there in "test-1" the queue "mail" gives "rain", "snow"
    And there the queue "mail" gives "rain"

  Scenario: One account is replaced, others stay
    Given a cloud with the queue "mail" that holds "rain"
    And account 111122223333 has the queue "post" that holds "hail"
    When account 111122223333 is saved to "account.snap"
    And account 111122223333 sends "snow" to "post"
    And I send "sleet" to "mail"
    And I load "account.snap", replacing what is there
    Then in account 111122223333 the queue "post" gives "hail"
    And the queue "mail" gives "rain", "sleet"

  Scenario: A look into the file needs no cloud
    Given a cloud with the queue "mail" that holds "rain", "hail"
    When the whole cloud is saved to "cloud.snap"
    Then "cloud.snap" has 2 rows of "sqs.messages" in account 000000000000
