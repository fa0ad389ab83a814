Feature: A world for each test
  A cloud is seeded once. Each test works in a fork of it, made in microseconds, and throws the fork away.

  Background:
    Given a cloud with the queue "mail" that holds "rain", "hail"

  Scenario: A fork begins with what its parent has
    When I fork it as "test-1"
    Then in "test-1" the queue "mail" gives "rain", "hail"

  Scenario: What a test does stays in its fork
    Given a fork "test-1"
    And a fork "test-2"
    When in "test-1" I delete the queue "mail"
    And in "test-2" I send "snow" to "mail"
    Then the queues of "test-1" are nothing
    And in "test-2" the queue "mail" gives "rain", "hail", "snow"
    And in "main" the queue "mail" gives "rain", "hail"

  Scenario: What the seed cloud does later is not in the fork
    Given a fork "test-1"
    When in "main" I delete the queue "mail"
    Then the queues of "main" are nothing
    And in "test-1" the queue "mail" gives "rain", "hail"

  Scenario: A fork can be forked
    Given a fork "test-1"
    And in "test-1" "snow" was sent to "mail"
    When I fork "test-1" as "test-1-a"
    Then in "test-1-a" the queue "mail" gives "rain", "hail", "snow"

  Scenario: A test begins afresh under the same name
    Given a fork "test-1"
    When in "test-1" I delete the queue "mail"
    And I fork "main" as "test-1" afresh
    Then in "test-1" the queue "mail" gives "rain", "hail"

  Scenario: A fork that is reset is empty, and its parent is not
    Given a fork "test-1"
    When I reset "test-1"
    Then the queues of "test-1" are nothing
    And in "main" the queue "mail" gives "rain", "hail"

  Scenario: Worlds are listed
    Given a fork "test-2"
    And a fork "test-1" of "test-2"
    Then the worlds are "main", "test-1", "test-2"

  Scenario: A test may be forgotten
    When I fork it as "test-1" for "10m"
    Then "test-1" was made from "main" and is dropped after 600 seconds without use

  Scenario: What a test has changed is shown
    Given a fork "test-1"
    Then "main" and "test-1" have the same
    When in "main" I delete the queue "mail"
    Then "main" and "test-1" do not have the same
    And only "test-1" has a row of "sqs.queues" with the key "mail" beside "main"

  Scenario: A dropped world is no more
    Given a fork "test-1"
    When I drop "test-1"
    Then the worlds are "main"
    When in "test-1" I ask for the queue "mail"
    Then the call fails with "UnknownWorld"

  Scenario: Who waits in a world hears of its end
    Given a fork "test-1"
    Then in "test-1" the queue "mail" gives "rain", "hail"
    When in "test-1" I wait for a message from "mail"
    Then the call still waits
    When I drop "test-1"
    Then the waiting call fails with "UnknownWorld"

  Scenario Outline: Names that cannot be
    When I try to fork it as <name>
    Then it is refused with "<code>"

    Examples:
      | name       | code             |
      | "Test"     | InvalidWorldName |
      | "a.b"      | InvalidWorldName |
      | "sqs"      | InvalidWorldName |
      | "eu-west-1"| InvalidWorldName |
      | "main"     | InvalidWorldName |

  Scenario: A name is given once
    Given a fork "test-1"
    When I try to fork it as "test-1"
    Then it is refused with "WorldExists"

  Scenario: The first world stays
    When I try to drop "main"
    Then it is refused with "WorldStays"
