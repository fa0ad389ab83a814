Feature: Asking one object
  SQL over an object's records is answered as a stream of events. Lines, documents and columns are asked alike.

  Background:
    Given a bucket "people"

  Scenario: Lines of CSV
    Given "people.csv" was put into the bucket "people" with the lines
      """
      name,age
      Ann,30
      Cid,7
      """
    When I ask "people.csv" in the bucket "people" as CSV with a header: select s.name from s3object s where cast(s.age as int) > 10
    Then the records are "Ann\n"
    And the answer ends

  Scenario: Lines that begin in a range
    Given "people.csv" was put into the bucket "people" with the lines
      """
      name,age
      Ann,30
      Cid,7
      """
    When I ask the bytes 10-17 of "people.csv" in the bucket "people" as CSV with a header: select s.age from s3object s
    Then the records are "7\n"
    When I ask the bytes 90-99 of "people.csv" in the bucket "people" as CSV with a header: select s.age from s3object s
    Then the call fails with "InvalidScanRange"
    When I ask the bytes 0-9 of "people.csv" in the bucket "people" as JSON documents: select * from s3object s
    Then the call fails with "UnsupportedScanRangeInput"

  Scenario: Columns of Parquet
    Given the file "people.parquet" was put into the bucket "people"
    When I ask "people.parquet" in the bucket "people" as Parquet: select s.name, s.born, s.tags from s3object s where s.id <> 2
    Then the records are "{'name':'Ann','born':'1990-01-01','tags':['red','blue']}\n{'name':'Cid','born':null,'tags':[]}\n"
    And the answer ends
    When I ask "people.parquet" in the bucket "people" as Parquet: select count(*) as people from s3object where born < '1995-01-01'
    Then the records are "{'people':1}\n"

  Scenario: What is no Parquet
    Given "people.parquet" was put into the bucket "people" saying "name,age"
    When I ask "people.parquet" in the bucket "people" as Parquet: select * from s3object
    Then the HTTP status is 400
    And the call fails with "ParquetParsingError", saying
      """
      An error occurred while parsing the Parquet file. Check the file and try again.
      """
